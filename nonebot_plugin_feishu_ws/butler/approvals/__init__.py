"""Tools that wait for a person's yes, and then run exactly once."""

from .asking import Asking, refusal
from .canonical import canonical, hash_of, restored
from .cardrows import CardRows
from .carrying import Carrying, Seat, Seats
from .clicks import Clicked, install_clicks, is_superuser
from .deciding import Click, Deciding, Decision, SpecOf, Waiting
from .errors import (
    ApprovalError,
    AskRefused,
    Changed,
    MayNotDecide,
    NobodyElse,
    NotExact,
    TooLong,
    TooManyWaiting,
    UnknownApproval,
)
from .face import ACTION, MOST_ARGUMENTS, card, drafts_of, reason_of, words
from .questions import MOST_WAITING, Question, Questions
from .rules import API, SHELL, Asked, Decider, Jury, Refusal
from .share import Share
from .showing import Showing
from .store import ApprovalStore
from .worker import Worker

__all__ = [
    "ACTION",
    "API",
    "MOST_ARGUMENTS",
    "MOST_WAITING",
    "SHELL",
    "ApprovalError",
    "ApprovalStore",
    "AskRefused",
    "Asked",
    "Asking",
    "CardRows",
    "Carrying",
    "Changed",
    "Click",
    "Clicked",
    "Decider",
    "Deciding",
    "Decision",
    "Jury",
    "MayNotDecide",
    "NobodyElse",
    "NotExact",
    "Question",
    "Questions",
    "Refusal",
    "Seat",
    "Seats",
    "Share",
    "Showing",
    "SpecOf",
    "TooLong",
    "TooManyWaiting",
    "UnknownApproval",
    "Waiting",
    "Worker",
    "canonical",
    "card",
    "drafts_of",
    "hash_of",
    "install_clicks",
    "is_superuser",
    "reason_of",
    "refusal",
    "restored",
    "words",
]
