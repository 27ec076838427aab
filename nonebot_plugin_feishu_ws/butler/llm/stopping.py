"""The stop button on a card that is being written."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from nonebot.matcher import Matcher

from ...adapter import Bot, CardActionEvent
from ...cards import on_card_action
from ...texts.llm import LlmTexts
from .brain import LlmBrain
from .stage import STOP


def install_stop(
    brain: LlmBrain,
    texts_of: Callable[[Bot], LlmTexts],
    elsewhere: Callable[[str, str, str], Awaitable[bool]],
) -> type[Matcher]:
    """Hear the clicks. Once.

    Anybody in the chat may stop an answer there, as with the word; what a click carries counts in its own chat only.

    Args:
        brain: Who writes here.
        texts_of: In the language of a bot.
        elsewhere: Stops an answer that another process writes, by app, chat and event; False: none does.
    """
    clicks = on_card_action(STOP)

    @clicks.handle()
    async def answer(bot: Bot, event: CardActionEvent) -> None:
        value = event.action.value
        sent = cast("Mapping[str, Any]", value if isinstance(value, dict) else {})
        which = event.app_id, event.chat_id or "", str(sent.get("turn"))
        stopped = brain.stop(*which) or await elsewhere(*which)
        texts = texts_of(bot)
        await event.respond(texts.stopping() if stopped else texts.not_running(), "info")

    return clicks
