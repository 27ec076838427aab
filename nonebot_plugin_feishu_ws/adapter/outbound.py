"""What a bot says: which calls do, where they may, that each is said once, and what the log is told of it."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from ..openapi import ServerError, TransportError
from .errors import ActionFailed, ChatNotAllowed, NetworkError
from .handling import handling
from .normalise import as_object, as_text, is_object

_log = logging.getLogger("nonebot_plugin_feishu_ws.adapter")
_SEND = re.compile(r"(?:/open-apis/)?im/v1/messages(?:/([^/]+)/reply)?")
PAUSES = (0.5, 1.0, 2.0)  # seconds between the tries of one message


Failure = ActionFailed | ChatNotAllowed | NetworkError


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message a bot sent, or tried to; never what is in it.

    Attributes:
        message_id: Feishu's id of it; None if it was not sent, or nobody knows.
        reply_to: the message it answers.
        receive_id: the chat or user it goes to, where it answers nothing.
        msg_type: `text`, `post`, `interactive` …
        error: why it failed; None if it did not.
    """

    message_id: str | None
    reply_to: str | None
    receive_id: str | None
    msg_type: str
    error: Failure | None


class Overseer(Protocol):
    """Whoever decides where a bot may send, and keeps the log of what it said."""

    def may_send_to(self, chat_id: str) -> bool:
        """Whether the bot may start a message in this chat. Replies stay where the question was let through."""
        ...

    def said(self, outbound: Outbound) -> None:
        """Take note of a message."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """An API call that sends a message.

    Attributes:
        reply_to, receive_id, msg_type: as in `Outbound`.
        receive_id_type: what kind of id `receive_id` is.
        body: the call's JSON.
    """

    reply_to: str | None
    receive_id: str | None
    receive_id_type: str
    msg_type: str
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, api: str, data: Mapping[str, Any]) -> "Sending | None":
        """A call as the adapter gets it; None: it sends no message."""
        found = _SEND.fullmatch(api) if str(data.get("method", "GET")).upper() == "POST" else None
        body = data.get("json") or data.get("body") or data.get("data")
        if found is None or not is_object(body):
            return None
        kind = as_text(as_object(data.get("params") or data.get("query")).get("receive_id_type"))
        receive_id = as_text(body.get("receive_id")) or None
        return cls(found[1], receive_id, kind, as_text(body.get("msg_type")), body)

    def uuid(self) -> str:
        """The caller's, or one of its own: while an event is handled the same one each time it is handled."""
        if given := as_text(self.body.get("uuid")):
            return given
        current = handling.get()
        if current is None:
            return uuid4().hex
        return current.uuid_for(
            self.reply_to or f"{self.receive_id_type} {self.receive_id}",
            self.msg_type,
            as_text(self.body.get("content")),
        )


Perform = Callable[[Mapping[str, Any]], Awaitable[Any]]


async def say(
    perform: Perform,
    sending: Sending,
    data: Mapping[str, Any],
    connector: str,
    overseer: Overseer | None,
) -> Any:
    """Make an API call that sends a message, where that is allowed; tell what became of it.

    It is tried a few times, with one uuid, while nobody knows whether Feishu has carried it out.

    Args:
        perform: makes the call.
        sending: what it sends.
        data: its arguments.
        connector: the connector's name.
        overseer: asked and told, if there is one.

    Raises:
        ChatNotAllowed: the connector may not send there.
        ActionFailed, NetworkError: see `Bot.call_api`.
        Fenced: the event being handled is another process's by now.
    """

    def told(message_id: str | None, error: Failure | None) -> None:
        if overseer is not None:
            overseer.said(Outbound(message_id, sending.reply_to, sending.receive_id, sending.msg_type, error))

    try:
        if (
            overseer is not None
            and sending.receive_id_type == "chat_id"
            and sending.receive_id
            and not overseer.may_send_to(sending.receive_id)
        ):
            raise ChatNotAllowed(connector, sending.receive_id)
        result = await _say_once(perform, {**data, "json": {**sending.body, "uuid": sending.uuid()}})
    except (ActionFailed, ChatNotAllowed, NetworkError) as error:
        told(None, error)
        raise
    told(as_text(as_object(as_object(result).get("data")).get("message_id")) or None, None)
    return result


async def _say_once(perform: Perform, data: Mapping[str, Any]) -> Any:
    for pause in (*PAUSES, None):
        if (current := handling.get()) is not None:
            await current.confirm()
        try:
            return await perform(data)
        except (ActionFailed, NetworkError) as error:
            if pause is None or not isinstance(error.error, ServerError | TransportError):
                raise
            _log.info("not known to be sent, again in %g s: %s", pause, error)
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")
