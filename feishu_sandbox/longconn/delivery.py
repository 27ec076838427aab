"""One event on its way to an app, and what became of it."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Literal

from ..posts import Answer
from ..world import App, Json
from .connection import Ack

POSTED = "posted"


@dataclass(eq=False, kw_only=True)
class Delivery:
    """An event and its pushes. The message_id is the same in each, as is the event_id in the body."""

    app: App
    envelope: Json = field(repr=False)
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    pushes: list[str] = field(default_factory=list[str])
    """The conn_id of each push, `POSTED` for a request URL; empty string: no connection was there."""
    acks: list[Ack] = field(default_factory=list[Ack])
    state: Literal["pending", "acked", "given_up"] = "pending"
    answer: "asyncio.Future[Ack | None] | None" = field(default=None, repr=False)
    """Awaited by the current push; None as a result: the connection ended."""

    @property
    def event_id(self) -> str:
        return self.envelope["header"]["event_id"]

    @property
    def event_type(self) -> str:
        return self.envelope["header"]["event_type"]

    @property
    def payload(self) -> bytes:
        return json.dumps(self.envelope, ensure_ascii=False, separators=(",", ":")).encode()

    def posted(self, answer: Answer) -> Ack:
        """What a request URL answered, noted as an ack."""
        ack = Ack(
            app_id=self.app.app_id,
            conn_id="",
            message_id=self.message_id,
            event_id=self.event_id,
            code=answer.status,
            data=answer.data,
            headers=answer.headers,
            frame=None,
            raw=answer.body,
            at=time.monotonic(),
        )
        self.acks.append(ack)
        return ack

    def settle(self, ack: Ack | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(ack)
