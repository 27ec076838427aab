"""Which matchers ran on an event: NoneBot tells nobody afterwards, so it is noted while they do."""

from typing import Any

from nonebot.matcher import Matcher

from ..adapter import CardActionEvent, MessageEvent

_TAKERS = "_feishu_ws_takers"


async def note_taker(
    matcher: Matcher, event: MessageEvent | CardActionEvent, exception: Exception | None
) -> None:
    """A run postprocessor of NoneBot's: called for each matcher that has run, whether it failed or not."""
    taker = {
        "plugin": matcher.plugin_id or matcher.module_name or type(matcher).__name__,
        "error": None if exception is None else type(exception).__name__,
    }
    object.__setattr__(event, _TAKERS, [*takers_of(event), taker])


def takers_of(event: MessageEvent | CardActionEvent) -> list[dict[str, Any]]:
    """The matchers that ran on an event so far, in the order in which they finished."""
    return getattr(event, _TAKERS, [])
