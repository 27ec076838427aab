"""The two matchers of connector management: one for messages, one for clicks."""

from collections.abc import Awaitable, Callable

import nonebot
from nonebot import on_message, on_notice
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import Event as BaseEvent
from nonebot.exception import FinishedException, PausedException, RejectedException
from nonebot.typing import T_State

from ..adapter import Bot, CardActionEvent, PlainRule
from ..config import Settings
from ..runtime import Management
from .access import Office
from .asking import Interview
from .chat import NAMES, Chat, tell
from .clicks import Clicks
from .confirming import Confirmations
from .forms import Forms
from .scans import Scans

PRIORITY = 1
"""That of NoneBot's own `on_command`; what is for `/feishu` is for nobody else."""

_INTERVIEW = "feishu_ws_interview"


def install(management: Management, settings: Settings) -> Callable[[], Awaitable[None]]:
    """Let people manage connectors in chats. Called once, while the plugin loads.

    Args:
        management: The connectors.
        settings: As loaded.

    Returns:
        Ends what is under way; for the shutdown.
    """
    starts = sorted(nonebot.get_driver().config.command_start)
    root = ("/" if "/" in starts else starts[0] if starts else "") + NAMES[0]
    office, forms, scans = Office(management, settings.locale, root), Forms(), Scans()
    confirmations = Confirmations()
    _install_chat(Chat(office, forms, scans, confirmations, starts))
    _install_clicks(Clicks(office, forms, scans, confirmations))
    return scans.close


def _install_chat(chat: Chat) -> None:
    messages = on_message(rule=PlainRule(chat.concerned), priority=PRIORITY, block=True)

    @messages.handle()
    async def answer(bot: BaseBot, event: BaseEvent, state: T_State) -> None:
        interview = await chat.answer(bot, event)
        if interview is None:
            raise FinishedException
        state[_INTERVIEW] = interview
        await tell(bot, event, interview.question(chat.desk(bot, event)))
        raise PausedException

    @messages.handle()
    async def go_on(bot: BaseBot, event: BaseEvent, state: T_State) -> None:
        interview: Interview = state[_INTERVIEW]
        text, more = await chat.go_on(bot, event, interview)
        if text:
            await tell(bot, event, text)
        if more:
            raise RejectedException


def _install_clicks(clicks: Clicks) -> None:
    notices = on_notice(rule=PlainRule(clicks.concerned), priority=PRIORITY, block=True)

    @notices.handle()
    async def answer(bot: Bot, event: CardActionEvent) -> None:
        await clicks.answer(bot, event)
