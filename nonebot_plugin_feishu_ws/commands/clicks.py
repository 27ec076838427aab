"""Buttons on the cards about connectors.

Who clicked is what Feishu says (`operator`), never what the card says; their rights are looked up anew at every click.
What a button's value names is looked up among what they may see. Disabling and removing ask first, and the
confirmation is good for whoever asked, once.
"""

import logging
from collections.abc import Mapping
from typing import Any

from nonebot.adapters import Event as BaseEvent

from ..adapter import ActionFailed, Bot, CardActionEvent, NetworkError
from ..connectors import ConnectorError, state_of
from ..storage import DatabaseUnavailable
from . import waiting
from .access import Office, words_of
from .answer import Answer
from .cards import PREFIX, Json, connector_card, list_card
from .confirming import ASKED, Confirmations, Step
from .desk import Desk
from .forms import Forms
from .grammar import VERBS, Call
from .progress import CONNECTING, states
from .scans import Scans
from .slips import ForeignSlipError, SlipError
from .verbs import carry_out

logger = logging.getLogger("nonebot_plugin_feishu_ws.commands")

_AT_ONCE = frozenset({"enable", "connect", "disconnect", "verify", "logs", "status", "show", "doctor"})


class Clicks:
    """Answers clicks.

    Args:
        office: What it works with.
        forms: Open the forms of their own buttons.
        scans: Can be cancelled.
        confirmations: Are answered.
    """

    def __init__(self, office: Office, forms: Forms, scans: Scans, confirmations: Confirmations) -> None:
        self._office = office
        self._forms = forms
        self._scans = scans
        self._confirmations = confirmations

    def concerned(self, event: BaseEvent) -> bool:
        """The matcher's rule."""
        return isinstance(event, CardActionEvent) and _action(event).startswith(PREFIX)

    async def answer(self, bot: Bot, event: CardActionEvent) -> None:
        """Do what a click asks for, and show what came of it."""
        desk = self._office.desk(bot, event)
        action, value = _action(event).removeprefix(PREFIX), _value(event)
        try:
            if action == waiting.DECIDE:
                await waiting.clicked(event, desk, value)
                return
            if not await self._office.admits(desk):
                self._office.denied(desk, action[:32])
                await event.respond(desk.texts.denied(), "error")
                return
            await self._do(bot, event, desk, action, value)
        except DatabaseUnavailable:
            await event.respond(desk.texts.database_away(), "error")
        except ConnectorError as error:
            await event.respond(desk.texts.error(error), "error")
        except ForeignSlipError:
            self._office.denied(desk, action)
            await event.respond(words_of(desk).not_yours(), "error")
        except SlipError:
            await event.respond(words_of(desk).out_of_date(), "warning")
        except (ActionFailed, NetworkError) as error:
            logger.warning("%s: a card is not shown: %s", bot.connector, error)

    async def _do(
        self, bot: Bot, event: CardActionEvent, desk: Desk, action: str, value: Mapping[str, Any]
    ) -> None:
        who = (event.app_id, event.get_user_id())
        verb, name, page = str(value.get("verb")), str(value.get("name")), _page(value)
        if action == "list":
            await event.respond(card=await self._list(desk, page or 0))
        elif action == "do" and verb in _AT_ONCE:
            await self._perform(event, desk, verb, name, page)
        elif action == "ask" and verb in ASKED:
            card, _ = await self._confirmations.ask(
                desk, who, verb, name, page=page, message_id=event.message_id
            )
            await event.respond(card=card)
        elif action in ("confirm", "cancel"):
            step = self._confirmations.take(who, value.get("nonce"), event.message_id)
            await self._decided(event, desk, step, confirmed=action == "confirm")
        elif action == "scan_cancel":
            await self._scans.cancel(event, value.get("nonce"))
        else:
            await self._forms.clicked(bot, event, desk, action, value)

    async def _decided(self, event: CardActionEvent, desk: Desk, step: Step, *, confirmed: bool) -> None:
        connector = await desk.management.service.get(desk.actor, step.name)
        if not confirmed:
            await self._perform(event, desk, "show", step.name, step.page)
        elif connector.id != step.id:
            await event.respond(words_of(desk).out_of_date(), "warning")
        elif step.verb == "remove":
            answer = await carry_out(desk, Call(VERBS["remove"], {"name": step.name}))
            note = answer.text
            await event.respond(
                note, "error" if answer.failed else "success", await self._list(desk, 0, note)
            )
        else:
            await self._perform(event, desk, step.verb, step.name, step.page)

    async def _perform(
        self, event: CardActionEvent, desk: Desk, verb: str, name: str, page: int | None
    ) -> None:
        arguments: dict[str, object] = {"name": name, **({"count": 20} if verb == "logs" else {})}
        answer = await carry_out(desk, Call(VERBS[verb], arguments))
        if answer.failed and not answer.connectors:
            try:
                (pair,) = await desk.management.service.status(desk.actor, name)
            except ConnectorError:
                await event.respond(answer.text, "error")
                return
            await event.respond(_short(answer), "error", connector_card(desk.texts, pair, note=answer.text))
            return
        (pair,) = answer.connectors or await desk.management.service.status(desk.actor, name)
        looking = verb in ("logs", "status", "show", "doctor")

        async def card() -> Json:
            if page is not None and not (looking and verb != "show"):
                return await self._list(desk, page, "" if looking else answer.text)
            return connector_card(desk.texts, pair, note="" if verb == "show" else answer.text)

        await event.respond(None if looking else _short(answer), "success", await card())
        if verb in CONNECTING:
            async for now in states(desk, name, state_of(*pair)):
                if event.superseded:  # they have clicked on, and look at something else
                    return
                pair = now
                await event.respond(card=await card())

    async def _list(self, desk: Desk, page: int, note: str = "") -> Json:
        pairs = await desk.management.service.status(desk.actor)
        return list_card(desk.texts, pairs, page=page, note=note, may_add=desk.actor.superuser)


def _value(event: CardActionEvent) -> Mapping[str, Any]:
    value = event.action.value
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _action(event: CardActionEvent) -> str:
    action = _value(event).get("action")
    return action if isinstance(action, str) else ""


def _page(value: Mapping[str, Any]) -> int | None:
    page = value.get("page")
    return page if isinstance(page, int) else None


def _short(answer: Answer) -> str:
    return answer.text.split("\n", 1)[0][:120]
