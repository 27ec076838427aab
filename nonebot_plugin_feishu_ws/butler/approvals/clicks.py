"""Clicks on the buttons of an approval's card: answered in time, whatever the database does."""

import asyncio
from collections.abc import Callable

import nonebot
from nonebot.matcher import Matcher

from ...adapter import Bot, CardActionEvent
from ...cards import on_card_action
from ...storage import DatabaseUnavailable
from ...texts.approvals import ApprovalTexts
from ..tools import ToolRegistry
from .deciding import Click, Deciding
from .errors import MayNotDecide, UnknownApproval
from .face import ACTION, card
from .rules import Decider

_WITHIN = (
    2.0  # seconds, of the 3 Feishu gives (feishu-facts.md); later the cards are brought up to date anyway
)


def is_superuser(who: str) -> bool:
    """Whether somebody is among NoneBot's superusers: an open_id, or `platform:id` elsewhere."""
    superusers = nonebot.get_driver().config.superusers
    return f"feishu:{who}" in superusers or who in superusers


class Clicked:
    """Answers clicks.

    Args:
        deciding: Takes the decision.
        tools: What can be called.
        texts_of: In the language of a bot.
        within: Seconds to answer in.
    """

    def __init__(
        self,
        deciding: Deciding,
        tools: ToolRegistry,
        texts_of: Callable[[Bot], ApprovalTexts],
        *,
        within: float = _WITHIN,
    ) -> None:
        self._deciding = deciding
        self._tools = tools
        self._texts_of = texts_of
        self._within = within
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, bot: Bot, event: CardActionEvent) -> None:
        """Decide, and answer with a toast and the card as it is now.

        A database that does not answer is waited for no longer than the person who clicked can be.
        """
        task = asyncio.create_task(self._answer(bot, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait([task], timeout=self._within)
        if not done:
            await event.respond(self._texts_of(bot).away(), "error")
        else:
            task.result()

    async def _answer(self, bot: Bot, event: CardActionEvent) -> None:
        texts = self._texts_of(bot)
        who = event.operator.open_id
        decider = Decider(who, event.app_id, event.chat_id, is_superuser(who))
        value = _value(event)
        click = Click(
            value.get("action_id"),
            value.get("approved"),
            value.get("nonce"),
            event.message_id,
            event.chat_id,
        )
        try:
            decision = await self._deciding.click(decider, click)
        except UnknownApproval:
            await event.respond(texts.refused(""), "error")
        except MayNotDecide as error:
            await event.respond(texts.refused(error.refusal), "error")
        except DatabaseUnavailable:
            await event.respond(texts.away(), "error")
        else:
            row, tool = decision.row, self._tools.get(decision.row.tool)
            toast = (texts.decision if decision.won else texts.already)(row.tool, row.state)
            shown = card(texts, row, summary="" if tool is None else tool.spoken(texts.locale).summary)
            # By message it is brought by `Showing`, together with the others, so that the last state comes last.
            await event.respond(toast, "success" if decision.won else "info", shown, follow=False)


def install_clicks(clicked: Clicked) -> type[Matcher]:
    """Hear the clicks. Once."""
    clicks = on_card_action(ACTION)

    @clicks.handle()
    async def answer(bot: Bot, event: CardActionEvent) -> None:
        await clicked.answer(bot, event)

    return clicks


def _value(event: CardActionEvent) -> dict[str, object]:
    value = event.action.value
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]
