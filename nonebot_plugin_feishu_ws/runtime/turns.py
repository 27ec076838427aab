"""What the Butler is told of the message it answers."""

from ..adapter import Bot, MessageEvent
from ..butler import Turn, Voice
from ..butler.approvals import Asking
from ..connectors import ConnectorService, Link
from ..delivery import Outbox
from ..screening import speech
from ..texts import Texts


def turn_of(
    link: Link,
    bot: Bot,
    event: MessageEvent,
    texts: Texts,
    outbox: Outbox,
    asking: Asking,
    connectors: ConnectorService,
    name: str = "say",
) -> Turn:
    """The turn of an addressed message; what is said in it goes by `name`, see `Voice`."""
    voice = Voice(outbox, bot, event, texts, name)
    return Turn(
        text=speech(event) or "",
        connector=link.spec.name,
        app_id=bot.self_id,
        chat_id=event.chat_id,
        thread_id=event.thread_id,
        open_id=event.get_user_id(),
        texts=texts,
        bot=bot,
        event=event,
        status=lambda: _status(link, bot, texts),
        say=voice.say,
        answered=voice.answered,
        asking=asking,
        connectors=connectors,
    )


def _status(link: Link, bot: Bot, texts: Texts) -> str:
    status = link.status
    return texts.status(
        bot.identity.app_name,
        link.spec.name,
        status.state,
        texts.moment(status.connected_at),
        texts.moment(status.last_heartbeat),
        status.error,
    )
