"""The model of one process: what `butler.llm` needs, put together. Imported only where the settings ask for it."""

import json
from collections.abc import Callable
from datetime import timedelta

import nonebot

from ..adapter import Bot, MessageEvent, parse_event
from ..butler import Butler, Turn, taken, tools
from ..butler.llm import KEPT, LlmBrain, NoModel, Resumer, install_stop, model_of
from ..config import Settings, SettingsError
from ..delivery import Lease, Outbox
from ..storage import Database, RunRow
from ..texts import locale_for
from ..texts.llm import LlmTexts
from .bots import Bots


class Llm:
    """Answers, goes on, stops.

    Args:
        settings: As loaded.
        database, lease, outbox: Of this process.
        bots: The connectors that run here.
        butler: Who serves.
        turn_of: Makes the turn of a message, with a name for what is said in it.

    Raises:
        SettingsError: There is no such model.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        lease: Lease,
        outbox: Outbox,
        bots: Bots,
        butler: Butler,
        turn_of: Callable[[Bot, MessageEvent, str], Turn],
    ) -> None:
        self._settings = settings
        self._bots = bots
        self._butler = butler
        self._turn_of = turn_of
        token = settings.butler_api_token
        try:
            model = model_of(
                settings.butler_model or "",
                base_url=settings.butler_base_url,
                token=None if token is None else token.get_secret_value(),
                seconds=settings.butler_limits.seconds,
            )
        except NoModel as error:
            raise SettingsError(f"FEISHU_WS__BUTLER_MODEL: {error}") from None
        self.brain = LlmBrain(
            model,
            tools,
            database,
            lease,
            outbox,
            limits=settings.butler_limits,
            prompt=settings.butler_prompt,
            others=lambda turn: _is_command(turn) and taken(turn),
            window=settings.butler_merge,
            kept=timedelta(days=min(settings.keep_conversations, KEPT.days)),
            command=_is_command,
        )
        self.resumer = Resumer(self.brain, butler, self._apps, self._turn)

    def listen(self) -> None:
        """Hear clicks on the stop button. Once."""
        install_stop(
            self.brain,
            lambda bot: LlmTexts(locale_for(self._settings.locale, bot.client.base_url)),
            self._butler.stop_elsewhere,
        )

    def _apps(self) -> list[str]:
        return [bot.self_id for _, bot in self._bots]

    async def _turn(self, run: RunRow, payload: bytes) -> Turn | None:
        bot = next((bot for _, bot in self._bots if bot.self_id == run.connector), None)
        if bot is None:
            return None
        event = parse_event(json.loads(payload), app_id=run.connector)
        if not isinstance(event, MessageEvent):
            raise TypeError(f"event {run.event_id} is no message")
        await bot.prepare(event)
        return self._turn_of(bot, event, f"llm {run.stage}")


def _is_command(turn: Turn) -> bool:
    """Whether a message begins as a command does (NoneBot's `COMMAND_START`); another plugin may have taken it."""
    starts = tuple(start for start in nonebot.get_driver().config.command_start if start)
    return turn.text.lstrip().startswith(starts)
