"""What every room may note about itself: counts, and spans of traces. Beneath all of them, and knows none."""

from .counting import OTHER, Counts, Latency
from .tracing import Kind, Span, belonging_to, span, trace_id_of

__all__ = ["OTHER", "Counts", "Kind", "Latency", "Span", "belonging_to", "span", "trace_id_of"]
