"""The console in a real browser: every page, every action, both languages and themes, on a phone, by keyboard."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from nonebot_plugin_feishu_ws.butler.approvals import Decider
from nonebot_plugin_feishu_ws.delivery import LogAction, LogLevel

ROOT = "/feishu/console"
SOON = 20_000  # milliseconds
EVIL = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "[x](javascript:alert(1)) **bold** </style><svg onload=alert(1)>"
)
"""What somebody may have written into a message, a name, an argument."""
PAGES = [
    "/connectors",
    "/connectors/butler",
    "/connectors/butler/edit",
    "/connectors/butler/policy",
    "/connectors/butler/remove",
    "/connectors/butler/doctor",
    "/add",
    "/approvals",
    "/logs",
    "/logs?level=error&action=ws_blocked",
    "/trace?message=om_ev-dead",
    "/trace",
    "/dead-letters",
    "/account",
    "/nowhere",
]


class Window:
    """A browser window on the console, whose problems are a failure."""

    def __init__(self, site: Any, context: BrowserContext, page: Page) -> None:
        self.site, self.context, self.page = site, context, page
        self.problems: list[str] = []
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    async def go(self, path: str) -> None:
        await self.page.goto(self.site.url + ROOT + path)
        await self.ready()

    async def ready(self) -> None:
        """It is kept up to date, if it is a page that is."""
        if await self.page.locator("nav.menu").count():
            await expect(self.page.locator("body[data-live='on']")).to_be_attached(timeout=SOON)

    async def sign_in(self, who: str = "ou_admin") -> None:
        await self.page.goto(f"{self.site.url}{ROOT}/sign-in?link={await self.site.link(who)}")
        await self.page.get_by_role("button").click()
        await self.ready()

    async def press(self, button: str, notice: str) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()
        await expect(self.page.locator("#notice")).to_contain_text(notice, timeout=SOON)
        await self.ready()

    async def violations(self, *rules: str) -> list[str]:
        """What axe finds: by all of its rules, or by some."""
        only = {"runOnly": list(rules)} if rules else {}
        found = (await Axe().run(self.page, options={"resultTypes": ["violations"], **only})).response
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

    async def make(who: str | None = "ou_admin", **settings: Any) -> Window:
        usual = {"locale": "en-US", "viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce"}
        # So that nothing but one's own failures counts against one.
        address = {"X-Forwarded-For": f"10.8.0.{len(site.people) + len(windows)}"}
        context = await chromium.new_context(**{**usual, **settings}, extra_http_headers=address)
        made = Window(site, context, await context.new_page())
        windows.append(made)
        if who is not None:
            await made.sign_in(who)
        return made

    yield make
    for one in windows:
        await one.context.close()
        assert not one.problems


@pytest.fixture(scope="module")
async def furnished(site: Any) -> Any:
    """Something of everything, some of it hostile."""
    _, app = await site.enabled("butler", prefix_command="!", approvers="ou_admin", owner="ou_owner")
    await site.connector("fresh")
    await site.asked(app, arguments='{"service":"web"}')
    decided = await site.asked(app, tool="restart")
    management = site.runtime.management
    await management.deciding.decide(Decider("shell:root", superuser=True), decided, False)
    await site.dead(app, "ev-dead", error=EVIL)
    for level in LogLevel:
        management.logbook.write(
            LogAction.WS_BLOCKED, level=level, connector=app.app_id, name="butler", detail={"error": EVIL}
        )
    message = {"connector": app.app_id, "name": "butler", "message_id": "om_ev-dead", "event_id": "ev-dead"}
    trace = {
        "admitted": False,
        "reason": "user_not_allowed",
        "trace": ["bot_message=pass", "user_not_allowed=fail"],
    }
    management.logbook.write(LogAction.WS_FILTERED, detail=trace, **message)
    taken = {"matchers": [{"plugin": EVIL, "error": "ValueError"}]}
    management.logbook.write(LogAction.WS_ROUTED, detail=taken, **message)
    said = {"sent": None, "type": "text", "error": EVIL}
    management.logbook.write(LogAction.WS_OUTBOUND, detail=said, **message)
    await management.logbook.flush()
    return app


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
async def test_every_page_is_accessible(window: Open, furnished: Any, language: str) -> None:
    """Axe finds nothing, contrast in light and dark included; nothing scrolls sideways, on a desk or on a phone."""
    one = await window(locale=language)
    found: list[str] = []
    for path in PAGES:
        await one.go(path)
        found += await one.flaws()
    one.problems.clear()  # the page that is not there
    await one.context.clear_cookies()
    for path in ("/sign-in", "/sign-in?link=x"):
        await one.go(path)
        found += await one.flaws()
    assert not found
