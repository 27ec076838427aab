"""Why a message is let through, or not: plain code on plain facts, run before NoneBot matches anything.

Two chains. *Admission* stops an event for every plugin; *addressing* decides only whether the Butler is
spoken to. Both answer with a `Verdict`, which names the reason and the filters that were asked.
"""

from .addressing import addressing_chain, strip_prefix
from .admission import STALE_AFTER, admission_chain
from .chain import Chain, Filter, FilterOrderError, Outcome, Step, Verdict
from .facts import Facts
from .policy import Policy
from .ratelimit import RateLimited
from .reasons import Reason

__all__ = [
    "STALE_AFTER",
    "Chain",
    "Facts",
    "Filter",
    "FilterOrderError",
    "Outcome",
    "Policy",
    "RateLimited",
    "Reason",
    "Step",
    "Verdict",
    "addressing_chain",
    "admission_chain",
    "strip_prefix",
]
