"""Who is asking, in a chat.

Rights hang on ids the platform vouches for, never on what a person can choose: not a display name, not the text of
a mention, a quoted or forwarded message, not a card's value.

- Superusers are NoneBot's (`SUPERUSERS`), compared as `nonebot.permission.SUPERUSER` does.
- Owners are matched by the sender's open_id. Feishu gives a person another open_id in every app, so an owner is
  recognised through the app that told the id which was stored (that is the bot through which the connector was added,
  unless `owner` was set by hand), and through no other. On other adapters the id is `adapter:id`.
- A sender that is no person (a bot, an anonymous member, a webhook) has no rights and gets no answer: two bots that
  answer each other never end.
"""

from dataclasses import dataclass, replace
from typing import Literal

from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import Event as BaseEvent
from nonebot.adapters import feishu as stock

from ..adapter import Bot, CardActionEvent, MessageEvent
from ..connectors import Actor
from ..runtime import Management
from ..texts import locale_for
from ..texts.chat import ChatTexts
from ..texts.connectors import ConnectorTexts
from .desk import NOBODY, Desk


@dataclass(frozen=True, slots=True)
class Office:
    """What every conversation about connectors needs.

    Attributes:
        management: The connectors.
        locale: The setting.
        root: What is typed before a verb.
    """

    management: Management
    locale: Literal["auto", "zh_CN", "en_US"]
    root: str

    def desk(self, bot: BaseBot, event: BaseEvent) -> Desk:
        """A desk for whoever caused an event."""
        base_url = bot.client.base_url if isinstance(bot, Bot) else self.management.default_url
        texts = ConnectorTexts(locale_for(self.locale, base_url))
        desk = Desk(self.management, actor_of(bot, event), texts, self.root)
        if not isinstance(bot, Bot):
            return desk
        chat_id = event.chat_id if isinstance(event, MessageEvent | CardActionEvent) else None
        return replace(desk, app_id=bot.self_id, chat_id=chat_id)

    async def admits(self, desk: Desk) -> bool:
        """Whether somebody may use the commands at all: superusers, and whoever owns a connector.

        Raises:
            DatabaseUnavailable: Nobody but superusers can be told apart now.
        """
        return desk.actor.superuser or bool(await self.management.service.visible(desk.actor))

    def denied(self, desk: Desk, verb: str) -> None:
        """Note that somebody was turned away."""
        self.management.service.denied(desk.actor, verb)


def words_of(desk: Desk) -> ChatTexts:
    """The chat's own texts, in the desk's language."""
    return ChatTexts(desk.texts.locale)


def actor_of(bot: BaseBot, event: BaseEvent) -> Actor:
    """Whoever caused an event, with the rights they have at this moment."""
    user_id = _user_id(event)
    platform = bot.adapter.get_name().split(maxsplit=1)[0].lower()
    if not is_person(event):
        return Actor(f"{NOBODY}{platform}:{user_id}", "chat", superuser=False)
    superusers = bot.config.superusers
    superuser = f"{platform}:{user_id}" in superusers or user_id in superusers
    return Actor(user_id if platform == "feishu" else f"{platform}:{user_id}", "chat", superuser=superuser)


def is_person(event: BaseEvent) -> bool:
    """Whether an event was caused by somebody who can have rights."""
    if not _user_id(event):
        return False
    if isinstance(event, stock.MessageEvent):
        return event.event.sender.sender_type == "user"
    # OneBot marks anonymous members; Discord, Kook, QQ and others mark bots and webhooks at the author.
    author = getattr(event, "author", None)
    return not getattr(event, "anonymous", None) and not (
        getattr(author, "bot", None) is True or isinstance(getattr(event, "webhook_id", None), int | str)
    )


def _user_id(event: BaseEvent) -> str:
    try:
        return event.get_user_id()
    except Exception:  # an event without a user; NoneBot's own SUPERUSER treats it the same way
        return ""
