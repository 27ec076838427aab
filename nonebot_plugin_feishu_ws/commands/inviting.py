"""`console` in a chat: the link goes to whoever asks, and to nobody else."""

import json
from collections.abc import Awaitable, Callable

from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import Event as BaseEvent

from ..adapter import ActionFailed, Bot, MessageEvent, NetworkError
from ..console import Identity, invite
from ..storage import SessionOrigin
from ..texts.console import ConsoleTexts
from .access import words_of
from .asking import is_private
from .desk import Desk
from .entering import told

Tell = Callable[[str], Awaitable[None]]


async def hand_over(bot: BaseBot, event: BaseEvent, desk: Desk, tell: Tell) -> None:
    """Sign somebody in: by a link in the direct chat with them, wherever they asked.

    Args:
        bot, event: Who is asked, and by what.
        desk: Whoever asks, and may.
        tell: Answers where they asked.

    Raises:
        DatabaseUnavailable: There is no link.
    """
    texts = ConsoleTexts(desk.texts.locale)
    if desk.management.console_url is None:
        await tell(texts.no_console())
        return
    identity = Identity(SessionOrigin.CHAT, desk.actor.who, desk.app_id)
    if isinstance(bot, Bot) and isinstance(event, MessageEvent):
        content = json.dumps({"text": told(texts, await invite(desk.management, identity))})
        try:
            await bot.send_msg("open_id", event.sender_id.open_id, content, "text")
        except (ActionFailed, NetworkError):
            await tell(words_of(desk).form_not_sent())
        else:
            if event.is_group:
                await tell(texts.link_sent())
    elif is_private(event):
        await tell(told(texts, await invite(desk.management, identity)))
    else:
        await tell(texts.link_in_private())
