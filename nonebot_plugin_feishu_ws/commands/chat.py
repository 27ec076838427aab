"""`/feishu …` in a chat, on every adapter.

One matcher hears it, before the Butler and everybody's default priority. Its rule compares the beginning of the text
and nothing else; only what begins with the root is parsed. In a Feishu group the bot must be spoken to as for any
other command (mentioned, or the connector needs no mention), so that of several bots one answers.

People without rights are told so in one short sentence, the same whatever they asked for; senders that are no people
get no answer. Both are noted in the log.
"""

from collections.abc import Iterable
from dataclasses import replace

from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import Event as BaseEvent
from nonebot.adapters.feishu import MessageEvent as StockMessageEvent
from nonebot.adapters.feishu import MessageSegment

from ..adapter import Bot, MessageEvent
from ..butler import say
from ..connectors import ConnectorError, RegistrationProgress, Scan, state_of
from ..screening import speech
from ..storage import DatabaseUnavailable
from .access import Office, is_person, words_of
from .answer import Answer
from .approving import OPEN
from .asking import Interview, is_private
from .cards import Json, connector_card, list_card
from .confirming import Confirmations
from .desk import Desk
from .forms import Form, Forms, form_for
from .grammar import VERBS, MisuseError, parse
from .inviting import hand_over
from .progress import CONNECTING, states
from .scans import Scans
from .verbs import perform
from .waiting import waiting_card

NAMES = ("feishu", "飞书")
_WITH_FORMS = ("add", "set")


class Chat:
    """Answers messages that begin with the root.

    Args:
        office: What it works with.
        forms: Asks for secrets on Feishu.
        scans: Has apps created there.
        confirmations: Ask before something is removed.
        starts: NoneBot's `COMMAND_START`.
    """

    def __init__(
        self,
        office: Office,
        forms: Forms,
        scans: Scans,
        confirmations: Confirmations,
        starts: Iterable[str],
    ) -> None:
        self._office = office
        self._forms = forms
        self._scans = scans
        self._confirmations = confirmations
        self._roots = tuple(
            sorted((start + name for start in starts for name in NAMES), key=len, reverse=True)
        )

    def concerned(self, event: BaseEvent) -> bool:
        """The matcher's rule."""
        if self._line(event) is None:
            return False
        if not isinstance(event, StockMessageEvent):
            return True
        return event.is_tome() or (isinstance(event, MessageEvent) and speech(event) is not None)

    async def answer(self, bot: BaseBot, event: BaseEvent) -> Interview | None:
        """Do what a message asks for, and say what came of it.

        Returns:
            Questions to ask first, where a form would be needed and there are none.
        """
        line = self._line(event) or ""
        verb = (line.split() or ["help"])[0].lower()
        desk = self._office.desk(bot, event)
        try:
            admitted = (verb in OPEN and is_person(event)) or await self._office.admits(desk)
        except DatabaseUnavailable:  # nobody can be told from an owner now
            if is_person(event):
                await tell(bot, event, desk.texts.database_away())
            return None
        if not admitted:
            self._office.denied(desk, verb if verb in VERBS else "?")
            if is_person(event):
                await tell(bot, event, desk.texts.denied())
            return None
        answer = await self._form(desk, line) if verb in _WITH_FORMS else None
        if isinstance(answer, Form):
            if not isinstance(bot, Bot) or not isinstance(event, MessageEvent):
                return await self._interview(bot, event, desk, answer)
            await self._send_form(bot, event, desk, answer)
            return None
        if await self._private_or_later(bot, event, desk, verb, line):
            return None
        answer = answer or await perform(desk, line)
        if isinstance(bot, Bot) and isinstance(event, MessageEvent):
            await self._show(bot, event, desk, verb, answer)
        else:
            await tell(bot, event, answer.text)
        return None

    def desk(self, bot: BaseBot, event: BaseEvent) -> Desk:
        """A desk for whoever caused an event."""
        return self._office.desk(bot, event)

    async def go_on(self, bot: BaseBot, event: BaseEvent, interview: Interview) -> tuple[str, bool]:
        """Hear an answer to a question.

        Returns:
            What to say, and whether there is more to ask; nothing for a message that is no answer.
        """
        desk = self._office.desk(bot, event)
        if (bot.self_id, desk.actor.who) != (interview.bot, interview.who) or not is_private(event):
            return "", True
        return await interview.hear(bot, event, desk)

    async def _form(self, desk: Desk, line: str) -> Form | Answer | None:
        try:
            return await form_for(desk, parse(line))
        except MisuseError:
            return None
        except ConnectorError as error:
            return Answer(desk.texts.error(error), failed=True)
        except DatabaseUnavailable:
            return Answer(desk.texts.database_away(), failed=True)

    async def _asks_first(self, bot: BaseBot, event: BaseEvent, desk: Desk, line: str) -> bool:
        """Whether a removal waits for a yes: a click on Feishu, elsewhere the same again with `--yes`."""
        try:
            call = parse(line)
            if call.verb.name != "remove" or "yes" in call.arguments:
                return False
            name = call.arguments["name"]
            who = (bot.self_id, desk.actor.who)
            card, nonce = await self._confirmations.ask(desk, who, "remove", name)
        except (MisuseError, ConnectorError, DatabaseUnavailable):  # said by whoever carries the call out
            return False
        if isinstance(bot, Bot) and isinstance(event, MessageEvent):
            self._confirmations.place(nonce, await _send(bot, event, card))
        else:
            words = words_of(desk)
            await tell(bot, event, words.repeat(words.confirm("remove", name), f"{desk.root} {line} --yes"))
        return True

    async def _private_or_later(
        self, bot: BaseBot, event: BaseEvent, desk: Desk, verb: str, line: str
    ) -> bool:
        """Whether the answer is for other eyes than the chat's, or comes when somebody has done something."""
        match verb:
            case "register" if desk.actor.superuser:
                self._scans.begin(self._register(bot, event, desk, line))
            case "console":
                await self._invite(bot, event, desk)
            case "remove":
                return await self._asks_first(bot, event, desk, line)
            case _:
                return False
        return True

    async def _invite(self, bot: BaseBot, event: BaseEvent, desk: Desk) -> None:
        async def answer(text: str) -> None:
            await tell(bot, event, text)

        try:
            await hand_over(bot, event, desk, answer)
        except DatabaseUnavailable:
            await answer(desk.texts.database_away())

    async def _register(self, bot: BaseBot, event: BaseEvent, desk: Desk, line: str) -> None:
        words = words_of(desk)

        async def show(progress: RegistrationProgress) -> None:
            if isinstance(progress, Scan):
                await tell(bot, event, words.scan(progress.link, round(progress.expires_in / 60)))

        async def sent() -> None:
            await tell(bot, event, words.scan_sent())

        if isinstance(bot, Bot) and isinstance(event, MessageEvent):
            to = event.sender_id.open_id
            answer = await self._scans.run(bot, to, desk, line, sent if event.is_group else None)
        else:
            answer = await perform(replace(desk, show=show) if is_private(event) else desk, line)
        if answer is not None:
            await tell(bot, event, answer.text)

    async def _send_form(self, bot: Bot, event: MessageEvent, desk: Desk, form: Form) -> None:
        words = words_of(desk)
        if not await self._forms.send(bot, event.sender_id.open_id, desk, form):
            await say(bot, event, words.form_not_sent())
        elif event.is_group:
            await say(bot, event, words.form_sent())

    async def _interview(self, bot: BaseBot, event: BaseEvent, desk: Desk, form: Form) -> Interview | None:
        if is_private(event):
            return Interview.about(form, bot, desk)
        await tell(bot, event, words_of(desk).only_in_private())
        return None

    def _line(self, event: BaseEvent) -> str | None:
        """What follows the root; None if the text does not begin with it."""
        text = event.get_plaintext().lstrip()
        head = text[:32].lower()
        for root in self._roots:
            if head.startswith(root):
                rest = text[len(root) :]
                if not rest or rest[0].isspace():
                    return rest.strip()
        return None

    async def _show(self, bot: Bot, event: MessageEvent, desk: Desk, verb: str, answer: Answer) -> None:
        if answer.waiting:
            await _send(bot, event, waiting_card(desk, answer.waiting))
            return
        if answer.failed or not answer.connectors:
            await say(bot, event, answer.text)
            return
        if verb == "list" or len(answer.connectors) > 1:  # `status` of all of them is a list, too
            card = list_card(desk.texts, answer.connectors, may_add=desk.actor.superuser)
            await _send(bot, event, card)
            return
        pair = next(iter(answer.connectors))
        note = "" if verb == "show" else answer.text
        message_id = await _send(bot, event, connector_card(desk.texts, pair, note=note))
        if verb in CONNECTING:
            async for now in states(desk, pair[0].spec.name, state_of(*pair)):
                await bot.client.update_card(message_id, connector_card(desk.texts, now, note=note))


async def _send(bot: Bot, event: MessageEvent, card: Json) -> str:
    sent = await bot.send(event, MessageSegment("interactive", card))
    return sent["data"]["message_id"]


async def tell(bot: BaseBot, event: BaseEvent, text: str) -> None:
    """Answer with a text, on any adapter."""
    if isinstance(bot, Bot) and isinstance(event, MessageEvent):
        await say(bot, event, text)
    else:
        await bot.send(event, text)  # pyright: ignore[reportUnknownMemberType] (NoneBot's Message is generic)
