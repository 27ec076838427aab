"""What can go wrong on a long connection.

    GatewayError                 reason, code, msg
    ├── BootstrapError           the endpoint gave no WebSocket URL
    ├── HandshakeError           the gateway refused the WebSocket
    ├── LinkError                an established connection ended
    └── GaveUpError              the policy's attempts are used up; `last` is what failed last

`reason` says what it means for us, `code` and `msg` what the platform said. None of them ever holds the app
secret or the query of the WebSocket URL (it carries a ticket): what others raise is summed up here and not
chained, because their texts, and the locals of their tracebacks, quote the URL.
"""

from enum import StrEnum

from typing_extensions import override


class Reason(StrEnum):
    """Why a connection is not up. The first group needs a person: see `blocks`."""

    BAD_CREDENTIALS = "bad_credentials"
    CONNECTION_LIMIT = "connection_limit"
    FORBIDDEN = "forbidden"
    WRONG_DOMAIN = "wrong_domain"
    REJECTED = "rejected"  # a code nobody documents; official clients never retry it
    GAVE_UP = "gave_up"
    NO_SERVER = "no_server"  # a webhook, and a driver of NoneBot's that serves no HTTP

    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    NETWORK = "network"
    PROTOCOL = "protocol"
    CLOSED = "closed"
    SILENT = "silent"
    REFUSED = "request_refused"  # the last request to a webhook; it listens nevertheless
    INTERNAL = "internal"  # a defect of ours; logged with its traceback

    @property
    def blocks(self) -> bool:
        """Whether retrying soon is pointless, so that the connection counts as `blocked`."""
        return self in _BLOCKING


_BLOCKING = frozenset(
    {
        Reason.BAD_CREDENTIALS,
        Reason.CONNECTION_LIMIT,
        Reason.FORBIDDEN,
        Reason.WRONG_DOMAIN,
        Reason.REJECTED,
        Reason.GAVE_UP,
        Reason.NO_SERVER,
    }
)


class GatewayError(Exception):
    """Something ended, or prevented, a long connection.

    Attributes:
        reason: what it means for us.
        code: the platform's own code (bootstrap code, handshake auth code, HTTP status or WebSocket close
        code).
        msg: the platform's or our words, without secrets.
    """

    def __init__(self, reason: Reason, msg: str, *, code: int | None = None) -> None:
        super().__init__(reason, msg, code)
        self.reason = reason
        self.code = code
        self.msg = msg

    @override
    def __str__(self) -> str:
        code = "" if self.code is None else f" ({self.code})"
        return f"{self.reason.value}{code}: {self.msg}"


class BootstrapError(GatewayError):
    """The endpoint request brought no usable WebSocket URL."""


class HandshakeError(GatewayError):
    """The WebSocket was refused, or did not come about in time."""


class LinkError(GatewayError):
    """An established connection ended: closed, reset, or silent for too long."""


class GaveUpError(GatewayError):
    """`ReconnectPolicy.max_attempts` attempts in a row failed; `last` is the last failure."""

    def __init__(self, attempts: int, last: GatewayError) -> None:
        super().__init__(
            Reason.GAVE_UP, f"gave up after {attempts} failed attempts; last: {last}", code=last.code
        )
        self.attempts = attempts
        self.last = last


class FrameError(ValueError):
    """Bytes which are no frame, or a frame whose headers make no sense. Counted and dropped, never fatal."""
