"""Browser windows on the chat page of a bot that runs in its local Feishu, used as people use them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Browser, Locator, Page, expect

SOON = 30_000  # milliseconds
_KNOWN = """{  // the page's live updates, so that a test can end them
  const Source = EventSource;
  window.EventSource = class extends Source { constructor(url) { super(url); window.live = this; } };
}"""


@dataclass
class Window:
    """A browser window on the chat page, used as a person would use it."""

    page: Page

    @property
    def messages(self) -> Locator:
        return self.page.get_by_test_id("messages")

    @property
    def buttons(self) -> Locator:
        return self.messages.get_by_test_id("card-button")

    @property
    def latest(self) -> Locator:
        return self.page.get_by_test_id("message").last

    def answer_to(self, words: str) -> Locator:
        """What was answered to a message that says so."""
        quote = self.page.locator(".quote", has_text=words)
        return self.page.get_by_test_id("message").filter(has=quote)

    async def ready(self) -> None:
        await expect(self.page.locator("body[data-live]")).to_be_attached(timeout=SOON)

    async def go(self, chat: str) -> None:
        await self.page.get_by_test_id("chat").filter(has=self.page.get_by_text(chat, exact=True)).click()
        await expect(self.page.get_by_role("heading", name=chat, exact=True)).to_be_visible()
        await self.ready()

    async def become(self, person: str) -> None:
        one = self.page.get_by_test_id("user").filter(has_text=person)
        await one.click()
        await expect(one).to_have_attribute("aria-current", "true")
        await self.ready()

    async def say(self, text: str, to: str = "") -> None:
        await self.write(text, to)
        await self.page.get_by_test_id("composer").press("Enter")

    async def write(self, text: str, to: str = "") -> None:
        composer = self.page.get_by_test_id("composer")
        if to:
            await composer.press_sequentially(f"@{to[:-1]}")
            await composer.press("Enter")
        await composer.press_sequentially(text)

    async def goes_deaf(self) -> None:
        """Stay as it is from now on: a client that does not hear that a card was changed."""
        await self.page.evaluate("live.close()")

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await expect(self.messages).to_contain_text(text, timeout=SOON)

    async def click(self, label: str, toast: str) -> None:
        """Click the last button of that label, and read what pops up."""
        await self.buttons.filter(has_text=label).last.click()
        await expect(self.page.get_by_test_id("toast").last).to_have_text(toast, timeout=SOON)


@dataclass
class Stage:
    """A bot with its local Feishu."""

    browser: Browser
    address: str
    locale: str
    problems: list[str]

    async def window(self, person: str = "") -> Window:
        """Open the page, with a person's direct chat with the bot: the first one's, unless told."""
        context = await self.browser.new_context(
            viewport={"width": 1000, "height": 760}, locale=self.locale, reduced_motion="reduce"
        )
        page = await context.new_page()
        await page.add_init_script(_KNOWN)
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        window = Window(page)
        await page.goto(self.address)
        await window.ready()
        if person:
            await window.become(person)
        return window


Open = Callable[..., Awaitable[Stage]]
