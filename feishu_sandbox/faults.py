"""What can go wrong, on demand: from Python with :meth:`Faults.add`, over HTTP with ``POST /sandbox/faults``.

A fault stands until it has struck ``times`` times, or, without ``times``, until it is cleared. Faults of one
kind strike in the order they were added. ``app_id`` confines a fault to one app. An action happens at once.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    app_id: str | None = None


class Standing(_Strict):
    """A fault that waits for its occasion."""

    times: Annotated[int, Field(ge=1)] | None = None


class BootstrapFault(Standing):
    """``POST /callback/ws/endpoint`` misbehaves."""

    kind: Literal["bootstrap"] = "bootstrap"
    how: Literal["hang", "status", "code", "no_data", "not_json"] = "code"
    status: int = 500
    code: int = 1
    msg: str = "system busy"


class HandshakeFault(Standing):
    """The WebSocket upgrade is refused with Feishu's headers, or never answered."""

    kind: Literal["handshake"] = "handshake"
    how: Literal["refuse", "hang"] = "refuse"
    status: int = 514
    msg: str = "exceed connection limit"
    autherrcode: int | None = None
    http_status: Annotated[int, Field(ge=400, le=599)] | None = None
    """The HTTP status, when it is not ``status``."""


class SilenceFault(Standing):
    """The socket stays open and nothing comes: no pong, no event. ``times`` counts silenced connections."""

    kind: Literal["silence"] = "silence"
    answer_websocket_pings: bool = False
    """Whether RFC 6455 pings are still answered, as by a load balancer whose backend is gone."""


class PongFault(Standing):
    """Pongs carry this payload instead of the ClientConfig (empty: none at all)."""

    kind: Literal["pong"] = "pong"
    payload: str = ""


class FragmentFault(Standing):
    """The next event frames are cut into ``parts``, of which those of ``send`` are sent, in that order.

    ``send=(2, 0, 1)`` is out of order, ``(0, 0, 1)`` has a duplicate, ``(0, 2)`` misses one; an index beyond
    ``parts`` is a fragment with ``seq`` ≥ ``sum``. ``claimed_sum`` is what the headers say, if not ``parts``.
    """

    kind: Literal["fragments"] = "fragments"
    parts: Annotated[int, Field(ge=1, le=1000)] = 3
    send: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    claimed_sum: int | None = None


class PushFault(Standing):
    """Pushed events whose type matches: ``copies`` of each, in a frame of this type, or none at all (0)."""

    kind: Literal["push"] = "push"
    event_type: str = ".*"
    copies: Annotated[int, Field(ge=0, le=1000)] = 1
    frame_type: Literal["event", "card"] = "event"

    @field_validator("event_type")
    @classmethod
    def _regex(cls, value: str) -> str:
        return _compiled(value)


class RequestFault(Standing):
    """What is posted to a request URL is not as it should be, comes ``delay`` seconds late, or comes twice.

    ``wrong_time``: signed ``seconds`` away from now. ``replay``: the very same request once more.
    """

    kind: Literal["request"] = "request"
    how: Literal["none", "bad_signature", "no_signature", "wrong_time", "oversized", "replay"] = "none"
    seconds: float = -3600.0
    delay: Annotated[float, Field(ge=0)] = 0.0


class GreetFault(Standing):
    """An event right behind the 101 of the handshake, in the same TCP segment."""

    kind: Literal["greet"] = "greet"
    event_type: str = "im.message.message_read_v1"
    event: dict[str, Any] = Field(default_factory=dict)


class ApiFault(Standing):
    """A REST call whose method and path match gets this answer instead of its own.

    ``after``: the call is carried out first, so that only its answer is lost. ``drop``: the connection is cut
    instead of answered. ``delay``: seconds before anything else happens. Without code, body, drop or another
    status the call runs as usual (a pure delay).
    """

    kind: Literal["api"] = "api"
    method: str = ".*"
    path: str = ".*"
    status: Annotated[int, Field(ge=200, le=599)] = 200
    code: int | None = None
    msg: str = "fault"
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    delay: Annotated[float, Field(ge=0)] = 0.0
    after: bool = False
    drop: bool = False

    @field_validator("method", "path")
    @classmethod
    def _regex(cls, value: str) -> str:
        return _compiled(value)

    @property
    def only_delays(self) -> bool:
        return self.code is None and self.body is None and not self.drop and self.status == 200


class Drop(_Strict):
    """Action: end the open connections by FIN, by RST, or with a close frame."""

    kind: Literal["drop"] = "drop"
    how: Literal["fin", "rst", "close"] = "fin"
    close_code: int = 1000


class SendRaw(_Strict):
    """Action: send these bytes (a str is base64) as one binary message on every open connection."""

    kind: Literal["send_raw"] = "send_raw"
    data: bytes

    @field_validator("data", mode="before")
    @classmethod
    def _decoded(cls, value: object) -> object:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else value


class InvalidateTokens(_Strict):
    """Action: every tenant_access_token issued so far is worth nothing (99991663)."""

    kind: Literal["invalidate_tokens"] = "invalidate_tokens"


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Action = Drop | SendRaw | InvalidateTokens
Fault = (
    BootstrapFault
    | HandshakeFault
    | SilenceFault
    | PongFault
    | FragmentFault
    | PushFault
    | RequestFault
    | GreetFault
    | ApiFault
    | Action
)
_READER: TypeAdapter[Fault] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])
KINDS: dict[str, type[BaseModel]] = {
    model.model_fields["kind"].default: model
    for model in (
        BootstrapFault,
        HandshakeFault,
        SilenceFault,
        PongFault,
        FragmentFault,
        PushFault,
        RequestFault,
        GreetFault,
        ApiFault,
        Drop,
        SendRaw,
        InvalidateTokens,
    )
}

_S = TypeVar("_S", bound=Standing)


class FaultError(ValueError):
    """A fault that does not exist or does not fit; the text names what is valid."""


def read_fault(body: object) -> Fault:
    """A fault from JSON. Raises FaultError."""
    try:
        return _READER.validate_python(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        kind = cast("dict[str, object]", body).get("kind") if isinstance(body, dict) else None
        model = KINDS.get(str(kind))
        if model is None:
            raise FaultError(f"unknown fault kind {kind!r}, one of: {', '.join(KINDS)}") from error
        fields = ", ".join(model.model_fields)
        raise FaultError(f"{where}: {first['msg']} (fields of {kind}: {fields})") from error


@dataclass(eq=False)
class Active:
    """A standing fault and how often it will still strike (None: until cleared)."""

    fault: Standing
    left: int | None
    struck: int = 0


class Faults:
    """The faults that stand now."""

    def __init__(self) -> None:
        self._active: list[Active] = []
        self._performers: dict[type[BaseModel], Callable[[Any], None]] = {}

    def performs(self, action: type[BaseModel], performer: Callable[[Any], None]) -> None:
        """Whoever can carry out an action says so (the hub, the tokens)."""
        self._performers[action] = performer

    def add(self, fault: Fault) -> Active | None:
        """Let a fault stand from now on, or carry out an action."""
        if isinstance(fault, Standing):
            active = Active(fault, fault.times)
            self._active.append(active)
            return active
        self._performers[type(fault)](fault)
        return None

    def clear(self, kind: str | None = None) -> None:
        """End all standing faults, or those of one kind."""
        self._active = [one for one in self._active if kind not in (None, getattr(one.fault, "kind", None))]

    def remove(self, active: Active) -> None:
        """End one standing fault."""
        if active in self._active:
            self._active.remove(active)

    @property
    def active(self) -> tuple[Active, ...]:
        return tuple(self._active)

    def take(
        self, kind: type[_S], app_id: str | None, fits: Callable[[_S], bool] = lambda _: True
    ) -> _S | None:
        """The first standing fault of a kind that applies here, counted as having struck."""
        for active in self._active:
            fault = active.fault
            if isinstance(fault, kind) and fault.app_id in (None, app_id) and fits(fault):
                active.struck += 1
                if active.left is not None:
                    active.left -= 1
                    if not active.left:
                        self._active.remove(active)
                return fault
        return None
