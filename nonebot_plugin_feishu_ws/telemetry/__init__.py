"""What every room may note about itself: counts, spans of traces, and what lines of the log are about.

Beneath all of them, and knows none.
"""

from .about import about, about_connector
from .counting import OTHER, Counts, Latency
from .tracing import Kind, Span, span, trace_id_of

__all__ = ["OTHER", "Counts", "Kind", "Latency", "Span", "about", "about_connector", "span", "trace_id_of"]
