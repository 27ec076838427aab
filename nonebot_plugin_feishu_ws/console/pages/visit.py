"""One request, with everything that is needed to answer it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ...config import Settings
from ...connectors import Actor
from ...runtime import Management
from ...texts import Locale
from ...texts.console import ConsoleTexts
from ..auth import Failures
from ..auth.sessions import Sessions, csrf_of
from ..auth.visitors import Visitor
from .assets import version
from .forms import Form
from .live import Watch

if TYPE_CHECKING:
    from jinja2 import Environment

ROOT = "/feishu/console"
LANGUAGE = "feishu-ws-language"
_SEE_OTHER, _ERROR = 303, 400


class Access(StrEnum):
    """Who may have an answer at all; what they see in it is another matter."""

    PUBLIC = "public"
    """Whoever it is: nobody looks."""
    ANYBODY = "anybody"
    """Signed in or not, which makes a difference."""
    SIGNED_IN = "signed in"
    SUPERUSER = "superuser"


class NotThereError(Exception):
    """There is no such page."""


@dataclass(frozen=True, slots=True)
class Console:
    """What all pages work with."""

    management: Management
    settings: Settings
    sessions: Sessions
    failures: Failures
    watch: Watch
    templates: "Callable[[], Environment]"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said at the top of a page. `kind`: `good`, `bad` or `info`."""

    kind: str
    text: str


@dataclass(slots=True)
class Visit:
    """A request.

    Attributes:
        locale: Of the page.
        secure: It came over https.
        cookie: Of the session.
        visitor: Who is signed in.
        form: What was sent.
    """

    console: Console
    request: Request
    locale: Locale
    secure: bool
    cookie: str = field(default="", repr=False)
    visitor: Visitor | None = None
    form: Form = field(default_factory=lambda: Form([]), repr=False)

    @property
    def texts(self) -> ConsoleTexts:
        return ConsoleTexts(self.locale)

    @property
    def management(self) -> Management:
        return self.console.management

    @property
    def here(self) -> Visitor:
        """Whoever is signed in, where somebody is."""
        assert self.visitor is not None, "not a public page"
        return self.visitor

    @property
    def actor(self) -> Actor:
        return self.here.actor

    @property
    def address(self) -> str:
        """Where they come from."""
        return self.request.client.host if self.request.client else ""

    @property
    def partial(self) -> bool:
        """A part of the page that is open is brought up to date."""
        return self.request.headers.get("HX-Request") == "true"

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """What follows the `?`; empty if it is not there."""
        return self.request.query_params.get(name, "")

    async def page(
        self, template: str, *, status: int = 200, notice: Notice | None = None, **context: object
    ) -> Response:
        """Render a page. A word that was left for the next page is said on it.

        Args:
            template: Its name, without `.html`.
            status: HTTP's.
            notice: Said at its top.
            context: For the template.
        """
        if notice is None and self.visitor is not None and not self.partial and status < _ERROR:
            notice = await self._left_word(self.visitor)
        common: Mapping[str, object] = {
            "t": self.texts,
            "w": self.texts.word,
            "root": ROOT,
            "version": version(),
            "visitor": self.visitor,
            "form_token": csrf_of(self.cookie) if self.visitor else "",
            "here": self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else ""),
            "notice": notice,
        }
        html = self.console.templates().get_template(f"{template}.html").render({**common, **context})
        return HTMLResponse(html, status)

    async def _left_word(self, visitor: Visitor) -> Notice | None:
        word = visitor.session.notice
        if word is None:
            return None
        await self.console.sessions.tell(visitor.session, None)
        return Notice(word["kind"], word["text"])

    async def go(self, path: str, notice: Notice | None = None, **query: str) -> Response:
        """Send them on to another page of the console, which says a word.

        Args:
            path: Below `ROOT`.
            notice: What it says.
            query: Behind the `?`.
        """
        if notice is not None:
            word = {"kind": notice.kind, "text": notice.text}
            await self.console.sessions.tell(self.here.session, word)
        tail = f"?{urlencode(query)}" if query else ""
        return RedirectResponse(ROOT + path + tail, _SEE_OTHER)


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A page, or what a form of it does.

    Attributes:
        stream: It goes on for as long as somebody reads it.
    """

    method: str
    path: str
    handler: Handler
    access: Access = Access.SIGNED_IN
    stream: bool = False
