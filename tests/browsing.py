"""Windows of a real browser on the web console."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

ROOT = "/feishu/console"
SOON = 20_000  # milliseconds


class Window:
    """A browser window on the console, whose problems are a failure."""

    def __init__(self, site: Any, context: BrowserContext, page: Page) -> None:
        self.site, self.context, self.page = site, context, page
        self.problems: list[str] = []
        self.seen: list[str] = []
        """Every page, as it was."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _heard(self, said: ConsoleMessage) -> None:
        # Pages that say what is wrong come with a status that says so, too.
        if said.type == "error" and not said.text.startswith("Failed to load resource"):
            self.problems.append(said.text)

    async def go(self, path: str) -> None:
        await self.page.goto(self.site.url + ROOT + path)
        await self.ready()

    async def ready(self) -> None:
        """It is kept up to date, if it is a page that is."""
        if await self.page.locator("nav.menu").count():
            await expect(self.page.locator("body[data-live='on']")).to_be_attached(timeout=SOON)
        self.seen.append(await self.page.content())

    async def sign_in(self, who: str = "ou_admin", **more: Any) -> None:
        await self.page.goto(f"{self.site.url}{ROOT}/sign-in#{await self.site.link(who, **more)}")
        await self.page.locator("#redeem").click()
        await self.ready()

    async def press(self, button: str, notice: str) -> None:
        """Press a button, and read what comes of it."""
        await self.page.get_by_role("button", name=button, exact=True).click()
        await self.told(notice)

    async def told(self, notice: str) -> None:
        await expect(self.page.locator("#notice")).to_contain_text(notice, timeout=SOON)
        await self.ready()

    async def shows(self, *texts: str) -> None:
        for text in texts:
            await expect(self.page.locator("main")).to_contain_text(text, timeout=SOON)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label)

    async def violations(self, *rules: str) -> list[str]:
        """What axe finds: by all of its rules, or by some."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(Axe().axe_script)
        options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found = await self.page.evaluate("options => axe.run(options)", options)
        return [
            f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    async def flaws(self) -> list[str]:
        """What is wrong with this page: in both themes, and on a phone."""
        found = await self.violations()
        await self.page.emulate_media(color_scheme="dark")
        found += [f"dark {one}" for one in await self.violations("color-contrast")]
        await self.page.emulate_media(color_scheme="light")
        for width in (360, 1200):
            await self.page.set_viewport_size({"width": width, "height": 800})
            if (scrolls := await self.page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"scrolls sideways: {scrolls} of {width}")
        return [f"{self.page.url} {one}" for one in found]


Open = Callable[..., Awaitable[Window]]


@pytest.fixture
async def window(site: Any, chromium: Browser) -> AsyncIterator[Open]:
    """Opens windows, each of another person."""
    windows: list[Window] = []

    async def make(who: str | None = "ou_admin", origin: str = "chat", **settings: Any) -> Window:
        usual = {"locale": "en-US", "viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce"}
        # So that nothing but one's own failures counts against one.
        address = {"X-Forwarded-For": f"10.8.0.{len(site.people) + len(windows)}"}
        context = await chromium.new_context(**{**usual, **settings}, extra_http_headers=address)
        made = Window(site, context, await context.new_page())
        windows.append(made)
        if who is not None:
            await made.sign_in(who, origin=origin)
        return made

    yield make
    secrets = [app.app_secret for app in site.sandbox.world.apps.values()]
    for one in windows:
        cookies = await one.context.cookies()
        secrets += [cookie["value"] for cookie in cookies if cookie["name"] == "feishu-ws"]
        await one.context.close()
    for one in windows:
        assert one.problems == [], one.problems
        for page in one.seen:
            assert "canary" not in page
            assert not [secret for secret in secrets if secret in page]
