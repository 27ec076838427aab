"""What the page asks of the sandbox, and what it keeps for itself while it is attached."""

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web
from jinja2 import Environment, PackageLoader

from ..posts import Posts
from ..registration import Registrations
from ..world import App, Chat, Message, Subscription, User, World
from .looks import ident
from .texts import Texts
from .views import Reads

__all__ = ["PAGE", "Page", "Platform"]


class Platform(Protocol):
    """The running sandbox, as far as the page needs it."""

    @property
    def world(self) -> World: ...
    @property
    def registrations(self) -> Registrations: ...
    @property
    def posts(self) -> Posts: ...
    @property
    def url(self) -> str: ...
    @property
    def locale(self) -> str: ...
    def online(self, app: App) -> int:
        """How many long connections of an app are open."""
        ...


@dataclass(slots=True)
class Page:
    """One attached page: the sandbox, the templates, what people have read, and the streams that are open."""

    platform: Platform
    reads: Reads = field(default_factory=Reads)
    streams: set[Subscription] = field(default_factory=set[Subscription])
    templates: Environment = field(
        default_factory=lambda: Environment(
            loader=PackageLoader("feishu_sandbox.page"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
    )

    @property
    def world(self) -> World:
        return self.platform.world

    def online(self) -> dict[str, int]:
        """Open connections by app_id; a request URL counts as one."""
        return {
            app.app_id: self.platform.online(app) or int(app.request_url is not None)
            for app in self.world.apps.values()
        }

    def part(self, name: str, texts: Texts, *args: object) -> str:
        """One macro of `parts.html`, rendered."""
        return str(getattr(self.templates.get_template("parts.html").module, name)(*args, texts))

    # Things named by ids that came over HTTP; KeyError when there is no such thing

    def user(self, key: object) -> User:
        return self.world.users[str(key)]

    def chat(self, key: object, user: User) -> Chat:
        """A chat the user is in."""
        chat = self.world.chats[str(key)]
        if user not in chat.users:
            raise KeyError(key)
        return chat

    def message(self, key: object, user: User) -> Message:
        """A message of a chat the user is in."""
        message = self.world.messages[str(key)]
        if user not in message.chat.users:
            raise KeyError(key)
        return message

    def member(self, key: object) -> User | App:
        users, apps = self.world.users, self.world.apps
        return users[str(key)] if key in users else apps[str(key)]

    def members(self, chat: Chat) -> list[User | App]:
        """People first, then bots."""
        return [*sorted(chat.users, key=ident), *chat.apps]


PAGE = web.AppKey("page", Page)
