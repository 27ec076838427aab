"""Secrets where there are no forms: asked for one after another, in a private chat only.

NoneBot has no common notion of a private chat; adapters name their event classes after it. What cannot be recognised
as private is treated as public. NoneBot's core logs every message it receives before any plugin sees it, so the
questions say so and name the other way, the shell.
"""

from dataclasses import dataclass, field

from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import Event as BaseEvent

from ..connectors import SECRETS
from .access import words_of
from .desk import Desk
from .forms import NOTHING, Form, call_of
from .verbs import carry_out

_ASKED = {
    "add": ("name", "app_id", "app_secret"),
    "set": ("app_secret", "verification_token", "encrypt_key", "proxy"),
}
_STOP = frozenset({"cancel", "取消"})
_PRIVATE = ("Private", "Direct", "C2C", "Friend")
# Adapter -> the API that withdraws a message by its `message_id`.
_RECALL = {"OneBot V11": "delete_msg", "OneBot V12": "delete_message"}


def is_private(event: BaseEvent) -> bool:
    """Whether an event's chat is known to have nobody else in it."""
    return any(word in kind.__name__ for kind in type(event).__mro__ for word in _PRIVATE)


@dataclass(slots=True)
class Interview:
    """Questions to one person, and what was answered.

    Attributes:
        form: What is being asked for.
        bot: Who asks: the id of the bot.
        who: Who is asked.
        left: Fields still to ask for; the first is asked now.
        typed: The answers.
    """

    form: Form
    bot: str
    who: str
    left: list[str]
    typed: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    @classmethod
    def about(cls, form: Form, bot: BaseBot, desk: Desk) -> "Interview":
        """An interview for what a form would ask."""
        left = [name for name in _ASKED[form.verb] if not form.values.get(name)]
        return cls(form, bot.self_id, desk.actor.who, left, dict(form.values))

    def question(self, desk: Desk) -> str:
        """What to ask now."""
        name = self.left[0]
        optional = self.form.verb == "set"
        return words_of(desk).question(
            name, desk.texts.field(name), secret=name in SECRETS, optional=optional
        )

    async def hear(self, bot: BaseBot, event: BaseEvent, desk: Desk) -> tuple[str, bool]:
        """Take an answer.

        Returns:
            What to say, and whether it is a question that waits for the next answer.
        """
        words, text = words_of(desk), event.get_plaintext().strip()
        if text.lower() in _STOP:
            return words.cancelled(), False
        name = self.left.pop(0)
        said: list[str] = []
        if not (self.form.verb == "set" and text == NOTHING):
            self.typed[name] = text
            if name in SECRETS and not await _recalled(bot, event):
                said.append(words.recall_it())
        if self.left:
            return "\n".join([*said, self.question(desk)]), True
        answer = await carry_out(desk, call_of(self.form, self.typed))
        said.append(answer.text)
        self.left = [name for name in _ASKED[self.form.verb] if name in answer.fields]
        if self.left:
            said.append(self.question(desk))
        return "\n".join(said), bool(self.left)


async def _recalled(bot: BaseBot, event: BaseEvent) -> bool:
    api, message_id = _RECALL.get(bot.adapter.get_name()), getattr(event, "message_id", None)
    if api is None or message_id is None:
        return False
    try:
        await bot.call_api(api, message_id=message_id)
    except Exception:  # adapters raise what they like; the person is told to do it
        return False
    return True
