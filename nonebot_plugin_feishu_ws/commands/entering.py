"""`console`: a link that signs in to the web console."""

from ..console import Identity, invite, opens_here_alone
from ..storage import SessionOrigin
from ..texts.console import ConsoleTexts
from .answer import Answer
from .desk import Desk
from .grammar import Call


async def entry(desk: Desk, _call: Call) -> Answer:
    """The link, for a shell: only its user sees what it prints. In a chat `inviting` sees to it.

    Raises:
        DatabaseUnavailable: There is none.
    """
    texts = ConsoleTexts(desk.texts.locale)
    if desk.management.console_url is None:
        return Answer(texts.no_console(), {"error": "NoConsole"}, failed=True)
    if desk.actor.origin != "shell":
        return Answer(texts.link_in_private(), {"error": "NotPrivate"}, failed=True)
    url = await invite(desk.management, Identity(SessionOrigin.SHELL, desk.actor.who))
    return Answer(told(texts, url), {"url": url})


def told(texts: ConsoleTexts, url: str) -> str:
    """The link, and what is to be known about it."""
    text = texts.link(url)
    return f"{text}\n{texts.only_here()}" if opens_here_alone(url) else text
