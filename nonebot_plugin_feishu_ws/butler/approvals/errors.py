"""What can go wrong with approvals. Facts, not sentences: `texts.approvals` has the words.

ApprovalError
├── AskRefused           nothing was asked
│   ├── TooManyWaiting   whoever asks has too many approvals waiting
│   ├── TooLong          the arguments are too long for anybody to check
│   ├── NotExact         the arguments cannot be written down and read back as what they are
│   └── NobodyElse       the only person who may approve is whoever asks
├── UnknownApproval      there is none of that id, or it is not the caller's to see
├── MayNotDecide         the caller may not decide this
└── Changed              what was approved is not what would be carried out now
"""

# ruff: noqa: N818 (an error is named after the fact it states)

from .rules import Refusal


class ApprovalError(Exception):
    """Base of this room's errors; nothing was changed."""


class AskRefused(ApprovalError):
    """Base of the reasons for not asking."""


class TooManyWaiting(AskRefused):
    """Attributes:
    most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} approvals of one person wait already")
        self.most = most


class TooLong(AskRefused):
    """Attributes:
    length: characters of the canonical arguments.
    most: how many they may have.
    """

    def __init__(self, length: int, most: int) -> None:
        super().__init__(f"the arguments have {length} characters, {most} at most")
        self.length = length
        self.most = most


class NotExact(AskRefused):
    """Attributes:
    parameter: whose value it is.
    """

    def __init__(self, parameter: str) -> None:
        super().__init__(f"the value of {parameter} has no exact JSON")
        self.parameter = parameter


class NobodyElse(AskRefused):
    pass


class UnknownApproval(ApprovalError):
    """Attributes:
    id: as it was given.
    """

    def __init__(self, approval_id: str) -> None:
        super().__init__("unknown approval")
        self.id = approval_id


class MayNotDecide(ApprovalError):
    """Attributes:
    refusal: why.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Changed(ApprovalError):
    """Attributes:
    what: `hash`, `tool` or `arguments`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} changed since it was asked")
        self.what = what
