"""What a bot has said, for whoever keeps the log."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ActionFailed, NetworkError
from .normalise import as_object, as_text

_SEND = re.compile(r"(?:/open-apis/)?im/v1/messages(?:/([^/]+)/reply)?")


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
    error: ActionFailed | NetworkError | None


Watcher = Callable[[Outbound], None]


async def watched(
    perform: Callable[[], Awaitable[Any]], api: str, data: Mapping[str, Any], watcher: Watcher | None
) -> Any:
    """Perform an API call; if it sends a message, tell the watcher what became of it."""
    found = _SEND.fullmatch(api) if watcher and str(data.get("method", "GET")).upper() == "POST" else None
    if found is None or watcher is None:
        return await perform()
    body = as_object(data.get("json") or data.get("body"))

    def told(message_id: str | None, error: ActionFailed | NetworkError | None) -> None:
        receive_id = as_text(body.get("receive_id")) or None
        watcher(Outbound(message_id, found[1], receive_id, as_text(body.get("msg_type")), error))

    try:
        result = await perform()
    except (ActionFailed, NetworkError) as error:
        told(None, error)
        raise
    told(as_text(as_object(as_object(result).get("data")).get("message_id")) or None, None)
    return result
