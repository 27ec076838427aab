"""Forms for what must not be written in a message: app secrets and the like.

A form is a card in the direct chat of whoever asked for it, good for that person, once, for ten minutes. What is typed
into its password fields comes back in the click's `form_value`: clicks are neither stored nor logged with what was
typed, the card is replaced with the answer, and a form that is shown again to be corrected has its secrets empty.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from ..adapter import ActionFailed, Bot, CardActionEvent, NetworkError
from ..connectors import OF_SUPERUSERS, SECRETS, ReadOnly, Source
from .access import words_of
from .answer import Answer
from .cards import Json, connector_card, form_card, note_card
from .desk import Desk
from .grammar import VERBS, Call
from .slips import Slips, StaleSlipError
from .verbs import assignments, carry_out

FIELDS: Mapping[str, Sequence[str]] = {
    "add": ("name", "app_id", "app_secret", "verification_token", "encrypt_key", "domain"),
    "set": ("app_id", "app_secret", "verification_token", "encrypt_key", "proxy", "domain"),
}
_REQUIRED: Mapping[str, Sequence[str]] = {"add": ("name", "app_id", "app_secret"), "set": ("app_id",)}
NOTHING = "-"  # typed for an optional secret that is to be removed


@dataclass(frozen=True, slots=True)
class Form:
    """What is being asked for.

    Attributes:
        verb: `add` or `set`.
        id: The connector, where there is one.
        name: Its name.
        values: Of fields that are no secrets, as they are or were typed.
        also: Further fields that were given in the message that asked for the form.
    """

    verb: str
    id: str = ""
    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    also: Mapping[str, object] = field(default_factory=dict[str, object])


async def form_for(desk: Desk, call: Call) -> Form | Answer | None:
    """The form a call needs, what is wrong with the call, or None if it can be carried out as it is.

    Raises:
        ConnectorError: There is no such connector.
        DatabaseUnavailable: Nobody knows now.
    """
    given = assignments(desk, call.arguments.get("words", ())) if call.verb.name in FIELDS else {}
    if isinstance(given, Answer):
        return given
    if call.verb.name == "add":
        if not desk.actor.superuser:
            return None
        values = {"name": call.arguments.get("name", ""), **given}
        asked = {name: str(values.pop(name)) for name in FIELDS["add"] if name in values}
        return Form("add", values=asked, also=values)
    if call.verb.name == "set" and not given:
        return await form_to_change(desk, call.arguments["name"])
    return None


async def form_to_change(desk: Desk, name: str) -> Form:
    """The form for the credentials of a connector.

    Raises:
        ConnectorError: There is none of that name, or it is declared in configuration.
    """
    connector = await desk.management.service.get(desk.actor, name)
    spec = connector.spec
    if connector.source is Source.CONFIG:
        raise ReadOnly(spec.name)
    return Form("set", connector.id, spec.name, {"app_id": spec.app_id, "domain": spec.domain or ""})


class Forms:
    """Sends forms and takes them back."""

    def __init__(self) -> None:
        self._slips: Slips[Form] = Slips()

    async def send(self, bot: Bot, open_id: str, desk: Desk, form: Form) -> bool:
        """Send a form to somebody's direct chat.

        Returns:
            Whether Feishu delivered it.
        """
        who = (bot.self_id, open_id)
        nonce = self._slips.put(who, form)
        content = json.dumps(_card(desk, form, nonce), ensure_ascii=False)
        try:
            sent = await bot.send_msg("open_id", open_id, content, "interactive")
        except (ActionFailed, NetworkError):
            return False
        self._slips.place(nonce, sent["data"]["message_id"])
        return True

    async def clicked(
        self, bot: Bot, event: CardActionEvent, desk: Desk, action: str, value: Mapping[str, Any]
    ) -> None:
        """A button that opens a form, or one on it.

        Raises:
            SlipError: The form is no longer good, or somebody else's.
            ConnectorError: There is no such connector.
        """
        words, who = words_of(desk), (event.app_id, event.get_user_id())
        if action in ("add", "set"):
            if action == "add" and not desk.actor.superuser:
                desk.management.service.denied(desk.actor, "add")
                await event.respond(desk.texts.denied(), "error")
                return
            form = Form("add") if action == "add" else await form_to_change(desk, str(value.get("name")))
            sent = await self.send(bot, who[1], desk, form)
            await event.respond(
                words.form_sent() if sent else words.form_not_sent(), "info" if sent else "error"
            )
        elif action == "form":
            form = self._slips.take(who, value.get("nonce"), event.message_id)
            if form.id and (await desk.management.service.get(desk.actor, form.name)).id != form.id:
                raise StaleSlipError
            await self._submitted(event, desk, form, who)
        elif action == "form_cancel":
            form = self._slips.take(who, value.get("nonce"), event.message_id)
            await event.respond(card=note_card(words.form_title(form.verb, form.name), words.cancelled()))

    async def _submitted(self, event: CardActionEvent, desk: Desk, form: Form, who: tuple[str, str]) -> None:
        entered = event.action.form_value
        typed = {name: str(entered[name] or "").strip() for name in _fields(desk, form) if name in entered}
        answer = await carry_out(desk, call_of(form, typed))
        if not answer.failed:
            await event.respond(
                answer.text.split("\n", 1)[0],
                "success",
                connector_card(desk.texts, answer.connectors[0], note=answer.text),
            )
            return
        plain = {name: text for name, text in typed.items() if name not in SECRETS}
        again = Form(form.verb, form.id, form.name, plain, form.also)
        nonce = self._slips.put(who, again, event.message_id)
        await event.respond(answer.text.split("\n", 1)[0], "error", _card(desk, again, nonce, answer))


def _card(desk: Desk, form: Form, nonce: str, failure: Answer | None = None) -> Json:
    words, fields = words_of(desk), _fields(desk, form)
    note, wrong = words.form_note(form.verb), tuple[str, ...]()
    if failure is not None:
        wrong = tuple(name for name in fields if name in failure.fields)
        note = f"{failure.text}\n{words.retype()}"
    title = words.form_title(form.verb, form.name)
    return form_card(
        desk.texts, title, note, fields, form.values, required=_REQUIRED[form.verb], wrong=wrong, nonce=nonce
    )


def _fields(desk: Desk, form: Form) -> Sequence[str]:
    """The fields somebody may fill in."""
    return [name for name in FIELDS[form.verb] if desk.actor.superuser or name not in OF_SUPERUSERS]


def call_of(form: Form, typed: Mapping[str, str]) -> Call:
    """The call a filled form makes."""
    secrets: dict[str, SecretStr] = {}
    for name in SECRETS:
        if text := typed.get(name, ""):
            secrets[name] = SecretStr("" if text == NOTHING else text)
    fields = {name: text for name, text in typed.items() if name not in SECRETS and name != "name"}
    if form.verb == "add" and not fields.get("domain"):
        fields.pop("domain", None)
    words = [f"{name}={value}" for name, value in {**form.also, **fields}.items()]
    name = typed.get("name", "") if form.verb == "add" else form.name
    return Call(VERBS[form.verb], {"name": name, "words": tuple(words)}, secrets)
