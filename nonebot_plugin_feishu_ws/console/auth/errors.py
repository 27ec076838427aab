"""Why somebody is not let in.

Refused
├── Closed            there is no key: nobody is let in
├── NoToken           nothing was shown
├── BadToken          what was shown opens nothing
└── TooManyFailures   too much was shown from there that opens nothing
"""

# ruff: noqa: N818 (an error is named after the fact it states)


class Refused(Exception):
    """Base of this room's errors. None holds a token, or any part of one."""


class Closed(Refused):
    pass


class NoToken(Refused):
    pass


class BadToken(Refused):
    """Attributes:
    reason: for the operator's log; whoever calls is not told.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyFailures(Refused):
    """Attributes:
    retry_after: seconds.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after
