"""What a bot has said, for whoever keeps the log."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import ActionFailed, ChatNotAllowed, NetworkError
from .normalise import as_object, as_text

_SEND = re.compile(r"(?:/open-apis/)?im/v1/messages(?:/([^/]+)/reply)?")


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


async def overseen(
    perform: Callable[[], Awaitable[Any]],
    api: str,
    data: Mapping[str, Any],
    connector: str,
    overseer: Overseer,
) -> Any:
    """Perform an API call; if it sends a message, only where that is allowed, and tell what became of it.

    Raises:
        ChatNotAllowed: the connector may not send there.
    """
    found = _SEND.fullmatch(api) if str(data.get("method", "GET")).upper() == "POST" else None
    if found is None:
        return await perform()
    params = as_object(data.get("params") or data.get("query"))
    body = as_object(data.get("json") or data.get("body"))
    receive_id = as_text(body.get("receive_id")) or None

    def told(message_id: str | None, error: Failure | None) -> None:
        overseer.said(Outbound(message_id, found[1], receive_id, as_text(body.get("msg_type")), error))

    try:
        if params.get("receive_id_type") == "chat_id" and receive_id and not overseer.may_send_to(receive_id):
            raise ChatNotAllowed(connector, receive_id)
        result = await perform()
    except (ActionFailed, ChatNotAllowed, NetworkError) as error:
        told(None, error)
        raise
    told(as_text(as_object(as_object(result).get("data")).get("message_id")) or None, None)
    return result
