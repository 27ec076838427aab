"""A test message: whether a connector can send, without waiting for anybody to write to it."""

from dataclasses import dataclass

from ..connectors import Actor, ForeignChat, NoTarget, NotSent, SecretsLocked
from ..delivery import LogAction, LogLevel, latest_chat
from ..openapi import FeishuError
from .management import Management

LONGEST_TEXT = 10_000  # characters
RECEIVER = r"^(oc|ou|on)_[A-Za-z0-9_-]{1,64}$"


@dataclass(frozen=True, slots=True)
class Tried:
    """What was sent.

    Attributes:
        connector: Its name.
        chat: Where to.
        message_id: As Feishu calls it.
    """

    connector: str
    chat: str
    message_id: str


async def send_test(management: Management, actor: Actor, name: str, text: str, chat: str = "") -> Tried:
    """Send a text: to the chat named, else to the first allowed one, else to where the bot was last spoken to.

    Args:
        chat: A chat_id, open_id or union_id.

    Raises:
        UnknownConnector, SecretsLocked, ForeignChat, NoTarget: See there.
        NotSent: With Feishu's own error; with a TransportError nobody knows whether it was.
    """
    connector = await management.service.get(actor, name)
    spec = connector.spec
    if connector.locked is not None:
        raise SecretsLocked(spec.name, connector.locked)
    if chat and spec.allowed_chat_ids and chat not in spec.chat_set:
        management.service.denied(actor, "test", spec.name)
        raise ForeignChat(spec.name, chat)
    target = chat or next(iter(spec.allowed_chat_ids), "")
    target = target or await latest_chat(management.database, spec.app_id) or ""
    if not target:
        raise NoTarget(spec.name)

    def note(sent: str | None, error: str | None) -> None:
        asked = {"by": actor.who, "from": actor.origin}
        management.logbook.write(
            LogAction.WS_OUTBOUND,
            level=LogLevel.INFO if error is None else LogLevel.ERROR,
            connector=spec.app_id,
            name=spec.name,
            detail={"sent": sent, "to": target, "type": "text", "error": error, **asked},
        )

    try:
        sent = await management.client(spec).send_message(target, "text", {"text": text})
    except FeishuError as error:
        note(None, str(error))
        raise NotSent(spec.name, error) from error
    note(sent.message_id, None)
    return Tried(spec.name, target, sent.message_id)
