"""Approvals as people see them: ask, card, approve as another, result, second click; in a bot of its own process."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, Page, expect
from recording import Recording

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "approval.webp"
SMALL = 1_000_000  # bytes
SOON = 15_000  # milliseconds
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


@pytest.fixture
async def stage(chromium: Browser, start_bot: Any) -> AsyncIterator[Open]:
    """Starts the bot as a newcomer does."""
    bots: list[Any] = []
    stages: list[Stage] = []

    async def start(locale: str, **settings: str) -> Stage:
        bot = await start_bot(
            FEISHU_WS__SANDBOX="true",
            FEISHU_WS__LOCALE=locale.replace("-", "_"),
            LOG_LEVEL="INFO",
            **settings,
        )
        bots.append(bot)
        line = await bot.line("The local Feishu is at")
        address = next(word for word in line.split() if word.startswith("http://"))
        stages.append(Stage(chromium, address, locale, []))
        return stages[-1]

    yield start
    for context in chromium.contexts:
        await context.close()
    assert [await bot.stop() for bot in bots] == [0] * len(bots)
    assert [one.problems for one in stages if one.problems] == []


async def test_the_whole_story(stage: Open, tmp_path: Path) -> None:
    """Everything a newcomer tries, in a group; recorded for the README."""
    here = await stage("en-US")
    window = await here.window()
    film = Recording(window.page)
    await window.go("Everyone")
    await window.write("restart web", to="Butler")
    await film.frame(1.5)
    await window.page.keyboard.press("Enter")
    await window.sees("Approval needed: restart", '{"service":"web"}', "Asked by @Alice", "Valid until 2")
    await window.sees("restart waits for its approver to agree (id ")
    await film.frame(3)

    # Two more windows, for clicks that come too late. Bob is asked directly, too.
    bobs, alices = await here.window("Bob"), await here.window()
    await alices.go("Everyone")
    for late in (bobs, alices):
        await late.sees("Approval needed: restart")
        await late.goes_deaf()

    await window.click("Approve", "Somebody else must approve what you asked for.")
    await film.frame(2.5)
    await window.page.get_by_test_id("user").filter(has_text="Bob").hover()
    await film.frame(1)
    await window.become("Bob")
    await window.buttons.filter(has_text="Approve").hover()
    await film.frame(1.5)
    await window.click("Approve", "restart: approved, about to run.")
    await window.sees("Approved by @Bob")
    await film.frame(1.5)
    await window.sees("restart: done", "Result: web was restarted (restarts so far: 1).")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await expect(window.latest).to_contain_text("restart: done.web was restarted", timeout=SOON)
    await expect(window.latest).to_contain_text("Alice @Butler restart web")  # what it is a reply to
    await window.page.mouse.move(0, 0)
    await expect(window.page.get_by_test_id("toast")).to_have_count(0, timeout=SOON)
    await film.frame(4)

    await bobs.click("Approve", "Too late. restart: done.")
    await alices.click("Approve", "Too late. restart: done.")
    await alices.click("Reject", "Too late. restart: done.")

    # The other way round, and no.
    await window.say("restart db", to="Butler")
    await window.sees('{"service":"db"}')
    await window.become("Alice")
    await window.click("Reject", "restart: rejected.")
    await window.sees("Rejected by @Alice")
    await expect(window.latest).to_contain_text("restart: rejected.", timeout=SOON)

    # What waits, in a list; by the number, nobody's second click has restarted anything.
    await window.become("Bob")
    await window.say("restart web", to="Butler")
    await expect(window.buttons).to_have_count(2, timeout=SOON)
    await window.become("Alice")
    await window.go("Butler")
    await window.say("/feishu approvals")
    await window.sees("Waiting for approval (1)", "under a minute")
    await window.click("Approve", "restart: approved, about to run.")
    await window.sees("Nothing waits for approval.")
    await window.go("Everyone")
    await window.sees("web was restarted (restarts so far: 2).")

    film.save(tmp_path / PICTURE.name)
    with Image.open(tmp_path / PICTURE.name) as picture:
        assert picture.n_frames == 7
    assert (tmp_path / PICTURE.name).stat().st_size < SMALL
    if os.environ.get("UPDATE_SCREENSHOTS"):
        PICTURE.write_bytes((tmp_path / PICTURE.name).read_bytes())


async def test_in_chinese(stage: Open) -> None:
    """The same in a direct chat, where the approver has a card of their own."""
    here = await stage("zh-CN")
    window = await here.window()
    await window.say("restart web")
    await window.sees("需要审批：restart", '{"service":"web"}', "发起者：@小明", "有效期至：2")
    await window.sees("restart 需要审批人批准（编号 ")
    await window.click("批准", "不能批准自己的请求，需要其他人批准。")
    late = await here.window("小红")
    await late.sees("需要审批：restart")
    await late.goes_deaf()
    await window.become("小红")
    await window.click("批准", "restart：已批准，即将执行。")
    await window.sees("restart：已执行", "批准者：@小红", "结果：web 已重启（第 1 次）。")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await late.click("拒绝", "来晚了。restart：已执行。")
    await window.become("小明")
    await expect(window.buttons).to_have_count(0, timeout=SOON)
    await expect(window.latest).to_contain_text("web 已重启（第 1 次）。", timeout=SOON)

    # Whoever asks may take it back, from the list, too.
    await window.say("restart db")
    await window.sees("需要审批：restart")
    await window.say("/飞书 approvals")
    await window.sees("等待审批（1）")
    await window.click("撤回", "restart：已撤回。")
    await window.sees("没有等待审批的请求。", "撤回者：@小明")


async def test_nobody_decides(stage: Open) -> None:
    """It expires, the chat is told, and a late click does nothing."""
    here = await stage("en-US", FEISHU_WS__APPROVAL_TTL="10")
    window, late = await here.window(), await here.window("Bob")
    await window.say("restart web")
    await late.sees("Approval needed: restart")
    await late.goes_deaf()
    await expect(window.buttons).to_have_count(0, timeout=30_000)
    await window.sees("restart: expired, nothing was run")
    await late.click("Approve", "Too late. restart: expired, nothing was run.")
    await expect(window.latest).to_contain_text("restart: expired, nothing was run.", timeout=SOON)
