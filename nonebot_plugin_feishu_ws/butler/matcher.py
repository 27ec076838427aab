"""The Butler's one matcher: after every other plugin's, for what is addressed to the bot."""

from collections.abc import Callable

from nonebot import on_message
from nonebot.matcher import Matcher, current_event, current_matcher
from nonebot.message import run_preprocessor

from ..adapter import Bot, MessageEvent
from ..screening import addressed
from .butler import Butler, place_of
from .turn import Turn

PRIORITY = 98
"""Behind any plugin's default; a plugin that blocks a message keeps it from the Butler."""

_TAKEN = "_feishu_ws_taken"


def taken(turn: Turn) -> bool:
    """Whether another plugin's matcher has run on the turn's message."""
    return getattr(turn.event, _TAKEN, False)


def install(butler: Butler, turn_of: Callable[[Bot, MessageEvent], Turn]) -> type[Matcher]:
    """Let the Butler answer.

    Args:
        butler: Who serves.
        turn_of: Makes the turn of an addressed message.
    """
    matcher = on_message(rule=addressed(), priority=PRIORITY, block=False)

    @run_preprocessor
    async def remember() -> None:
        # From the context, not as parameters: each of those costs NoneBot some 40 µs per run.
        running, event = current_matcher.get(), current_event.get()
        if isinstance(event, MessageEvent) and not isinstance(running, matcher):
            object.__setattr__(event, _TAKEN, True)
            # It may go on for long, and wait for the very messages behind it.
            if place := place_of(event):
                place.leave()

    @matcher.handle()
    async def answer(bot: Bot, event: MessageEvent) -> None:
        await butler.serve(turn_of(bot, event))

    return matcher
