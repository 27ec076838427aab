"""The chat page in a real Chromium, with a bot on the other side of the long connection."""

import asyncio
import contextlib
import json
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, FilePayload, Locator, Page, Route, expect

from feishu_sandbox import Chat, Frame, User


def text(words: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": words}


def button(words: str, do: str, **more: Any) -> dict[str, Any]:
    return {"tag": "button", "text": text(words), "value": {"do": do}, **more}


def approval(title: str, *elements: Any) -> dict[str, Any]:
    return {
        "config": {"update_multi": True},
        "header": {"template": "orange", "title": text(title)},
        "elements": list(elements),
    }


QUESTION = approval(
    "Deploy?",
    {
        "tag": "action",
        "actions": [
            button("Approve", "approve", type="primary_filled"),
            button(
                "Reject",
                "reject",
                type="danger",
                confirm={"title": text("Sure?"), "text": text("No way back")},
            ),
            button("Ignore", "ignore"),
            {
                "tag": "select_static",
                "placeholder": text("Where"),
                "options": [{"text": text("Prod"), "value": "p"}],
            },
        ],
    },
)
FORM = {
    "schema": "2.0",
    "body": {
        "elements": [
            {
                "tag": "form",
                "elements": [
                    {"tag": "input", "name": "why", "label": text("Why"), "required": True},
                    {"tag": "button", "name": "ok", "text": text("Submit"), "form_action_type": "submit"},
                ],
            }
        ]
    },
}


class Bot:
    """Answers like a small app: over REST to messages, in the ack to clicks."""

    def __init__(self, company: Any) -> None:
        self.client = company.client
        self.clicks: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self) -> None:
        link = await self.client.connect()
        async for message in link.ws:
            frame = Frame.FromString(message.data)
            event = json.loads(frame.payload)
            kind, body = event["header"]["event_type"], event["event"]
            if kind == "card.action.trigger":
                await self.clicks.put(body)
                answer = self.answer(body)
                if answer is not None:
                    await link.ack(frame, data=answer)
                continue
            await link.ack(frame)
            if kind == "im.message.receive_v1":
                await self.reply(body["message"])

    async def reply(self, message: dict[str, Any]) -> None:
        said = json.loads(message["content"]).get("text", "")
        names = {one["key"]: one["name"] for one in message.get("mentions", ())}
        for key, name in names.items():
            said = said.replace(key, f"@{name}")
        if "card" in said:
            content, msg_type = QUESTION, "interactive"
        elif "form" in said:
            content, msg_type = FORM, "interactive"
        elif message["chat_type"] == "group" and "Bot" not in names.values():
            return
        else:
            content, msg_type = {"text": f"You said: {said}"}, "text"
        body = {"content": json.dumps(content), "msg_type": msg_type}
        answer = await self.client.call("POST", f"/im/v1/messages/{message['message_id']}/reply", body)
        assert answer["code"] == 0, answer

    def answer(self, click: dict[str, Any]) -> dict[str, Any] | None:
        action = click["action"]
        if "form_value" in action:
            return {"toast": {"type": "info", "content": f"because {action['form_value']['why']}"}}
        if action["tag"] == "select_static":
            return {"toast": {"type": "warning", "content": f"chose {action['option']}"}}
        match action["value"]["do"]:
            case "approve":
                card = approval(
                    "Approved",
                    {"tag": "markdown", "content": "**Done** by Ada"},
                    {"tag": "action", "actions": [button("Undo", "ignore")]},
                )
                return {
                    "toast": {"type": "success", "content": "Approved it"},
                    "card": {"type": "raw", "data": card},
                }
            case "reject":
                return {"toast": {"type": "error", "content": "Rejected it"}}
            case _:
                return None


class Desk:
    """Opens pages and remembers everything a page complained about."""

    def __init__(self, browser: Browser, company: Any, bot: Bot) -> None:
        self.browser, self.company, self.bot = browser, company, bot
        self.complaints: list[str] = []

    async def open(self, user: User, chat: Chat | None = None, **options: Any) -> Page:
        options = {"locale": "en-US", "viewport": {"width": 1360, "height": 860}, **options}
        page = await self.new_page(**options)
        query = f"?user={user.union_id}" + (f"&chat={chat.chat_id}" if chat else "")
        await page.goto(f"{self.company.sandbox.url}/{query}")
        await self.live(page)
        return page

    async def new_page(self, **options: Any) -> Page:
        context = await self.browser.new_context(**options)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        return page

    def forgive(self, expected: str) -> None:
        """The browser itself reports a refused request; here it was meant to be refused."""
        assert expected in self.complaints.pop()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    async def live(self, page: Page) -> None:
        await page.locator("body[data-live]").wait_for()


@pytest_asyncio.fixture
async def desk(chromium: Browser, make_company: Any) -> AsyncIterator[Desk]:
    company = await make_company(callback_timeout=0.7, ack_timeout=5.0)
    bot = Bot(company)
    work = asyncio.create_task(bot.run())
    await company.sandbox.hub.wait_connected(company.app)
    desk = Desk(chromium, company, bot)
    yield desk
    for context in chromium.contexts:
        await context.close()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert not desk.complaints


def messages(page: Page) -> Locator:
    return page.get_by_test_id("message")


async def say(page: Page, words: str) -> None:
    await page.get_by_test_id("composer").fill(words)
    await page.get_by_test_id("composer").press("Enter")


# Talking


async def test_a_message_and_its_answer_appear_live_for_everybody(desk: Desk) -> None:
    company = desk.company
    page, other = await desk.open(company.ada, company.group), await desk.open(company.ben, company.group)
    await say(page, "nobody is meant")
    await expect(messages(other).last).to_contain_text("nobody is meant")
    composer = page.get_by_test_id("composer")
    await composer.press_sequentially("hey @Bo")
    await expect(page.get_by_role("option", name="Bot")).to_have_attribute("aria-selected", "true")
    await composer.press("Enter")
    await expect(composer).to_have_value("hey @Bot ")
    await composer.press_sequentially("are you there?")
    await page.get_by_test_id("send").click()
    for one in (page, other):
        await expect(messages(one)).to_have_count(3)
        await expect(messages(one).last).to_contain_text("You said: hey @Bot are you there?")
        await expect(messages(one).last.locator(".quote")).to_contain_text("hey @Bot are you there?")
    await expect(composer).to_have_value("")
    await expect(messages(page).nth(1).locator(".mention")).to_have_text("@Bot")


async def test_choosing_who_speaks_and_where(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await say(page, "hello")
    await expect(messages(page).last).to_contain_text("You said: hello")
    await page.get_by_test_id("chat").filter(has_text="Team").click()
    await desk.live(page)
    await say(page, "@Ben look")
    await expect(messages(page)).to_have_count(1)
    await page.get_by_test_id("user").filter(has_text="Ben").click()
    await desk.live(page)
    await expect(messages(page).locator(".mention-me")).to_have_text("@Ben")
    await expect(page.get_by_test_id("user").filter(has_text="Ben")).to_have_attribute("aria-current", "true")
    await company.world.say(
        company.ada, company.world.add_group("News", [company.ada, company.ben]), "hot off the press"
    )
    news = page.get_by_test_id("chat").filter(has_text="News")
    await expect(news).to_contain_text("Ada: hot off the press")
    await expect(news.locator(".count")).to_have_text("1")
    await news.click()
    await desk.live(page)
    await expect(page.get_by_test_id("chat").filter(has_text="News").locator(".count")).to_have_count(0)


async def test_replies_reactions_and_withdrawing(desk: Desk) -> None:
    company = desk.company
    page, other = await desk.open(company.ada, company.group), await desk.open(company.ben, company.group)
    await say(page, "lunch?")
    await messages(other).first.hover()
    await messages(other).first.get_by_role("button", name="Add reaction").click()
    await other.get_by_role("button", name="THUMBSUP").click()
    chip = messages(page).first.get_by_test_id("reaction")
    await expect(chip).to_have_text("👍1")
    await chip.click()
    await expect(chip).to_have_text("👍2")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await chip.click()
    await expect(chip).to_have_text("👍1")
    await messages(other).first.hover()
    await messages(other).first.get_by_role("button", name="Reply", exact=True).click()
    await say(other, "yes")
    await expect(messages(page).last.locator(".quote")).to_have_text("Ada lunch?")
    await messages(page).first.hover()
    await messages(page).first.get_by_role("button", name="Withdraw").click()
    await expect(messages(other).first).to_have_text("Ada withdrew a message")
    await expect(messages(other).last).to_contain_text("Message withdrawn")


async def test_topics(desk: Desk) -> None:
    company = desk.company
    topics = company.world.add_group("Topics", [company.ada, company.ben, company.app], topic=True)
    page = await desk.open(company.ada, topics)
    await say(page, "@Bot first topic")
    await expect(page.locator(".topic-box")).to_have_count(1)
    await expect(page.locator(".replies")).to_contain_text("You said: @Bot first topic")
    await page.get_by_role("button", name="Reply in thread").last.click()
    await say(page, "inside")
    await expect(page.locator(".replies-count")).to_have_text("2 replies")
    await say(page, "second topic")
    await expect(page.locator(".topic-box")).to_have_count(2)


async def test_rich_text_raw_json_and_files(desk: Desk, tmp_path: Path) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.group)
    await page.get_by_test_id("message-type").select_option("post")
    await say(page, "**bold** [link](https://a.example)")
    await expect(messages(page).last.locator(".style-bold")).to_have_text("bold")
    await page.get_by_test_id("message-type").select_option("raw")
    await page.get_by_test_id("raw-type").select_option("location")
    await say(page, "{not json")
    await expect(page.get_by_test_id("toast")).to_have_text("Not valid JSON")
    desk.forgive("400 (Bad Request)")
    await say(page, '{"name": "Hangzhou"}')
    await expect(messages(page).last).to_contain_text("[Location]")
    picture: FilePayload = {"name": "a.png", "mimeType": "image/png", "buffer": png(120, 80)}
    await page.locator("[data-upload=image]").set_input_files(picture)
    image = messages(page).last.locator("img")
    await image.wait_for()
    assert await image.evaluate("one => one.decode().then(() => one.naturalWidth)") == 120
    await page.locator("[data-upload=file]").set_input_files(
        {"name": "报告.txt", "mimeType": "text/plain", "buffer": b"hi"}
    )
    await expect(messages(page).last).to_contain_text("报告.txt")
    async with page.expect_download() as waiting:
        await messages(page).last.locator("a.file").click()
    download = await waiting.value
    await download.save_as(tmp_path / "got")
    assert (download.suggested_filename, (tmp_path / "got").read_bytes()) == ("报告.txt", b"hi")


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x80" * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


# Cards


async def test_a_button_calls_back_and_the_card_changes_everywhere(desk: Desk) -> None:
    company = desk.company
    page, other = await desk.open(company.ada, company.group), await desk.open(company.ben, company.group)
    await say(page, "card please")
    approve = messages(page).last.get_by_test_id("card-button").filter(has_text="Approve")
    await approve.click()
    await expect(page.get_by_test_id("toast")).to_have_text("Approved it")
    await expect(page.get_by_test_id("toast")).to_have_attribute("data-kind", "success")
    for one in (page, other):
        await expect(messages(one).last.locator(".card-head")).to_have_text("Approved")
    click = desk.bot.clicks.get_nowait()
    assert click["operator"]["open_id"] == company.ada.open_id(company.app)
    assert click["action"]["value"] == {"do": "approve"}
    assert click["action"]["timezone"]


async def test_a_button_can_ask_first_and_a_choice_calls_back(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await say(page, "card")
    reject = page.get_by_test_id("card-button").filter(has_text="Reject")
    await reject.click()
    dialog = page.get_by_role("dialog", name="Sure?")
    await expect(dialog).to_contain_text("No way back")
    await dialog.get_by_role("button", name="Cancel").click()
    assert desk.bot.clicks.empty()
    await reject.click()
    await dialog.get_by_role("button", name="OK").click()
    await expect(page.get_by_test_id("toast").last).to_have_text("Rejected it")
    await messages(page).last.locator("select").select_option("p")
    await expect(page.get_by_test_id("toast").last).to_have_text("chose p")


async def test_an_unanswered_click_is_busy_then_an_error(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await say(page, "card")
    ignore = page.get_by_test_id("card-button").filter(has_text="Ignore")
    await ignore.click()
    await expect(ignore).to_have_attribute("aria-busy", "true")
    await expect(page.get_by_test_id("toast")).to_contain_text("(code: 200671)")
    await expect(page.get_by_test_id("toast")).to_have_attribute("data-kind", "error")
    await expect(ignore).not_to_have_attribute("aria-busy", "true")


async def test_a_button_that_became_another_one_waits_for_no_answer(desk: Desk) -> None:
    """The card is changed while the app has not answered the click on it; what it shows now can be pressed at once."""
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await say(page, "card")
    buttons = messages(page).last.get_by_test_id("card-button")
    await buttons.filter(has_text="Reject").click()
    asked = page.get_by_role("dialog", name="Sure?")
    await expect(asked).to_be_visible()
    told = asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        await told.wait()
        await route.fulfill(response=response)

    await page.route("**/sandbox/page/click", hold, times=1)
    await buttons.filter(has_text="Ignore").evaluate("one => one.click()")  # under the dialog
    ignored = await asyncio.wait_for(desk.bot.clicks.get(), 5)
    actions = [button(do, do.lower()) for do in ("No", "Never", "Go on")]
    changed = approval("Sure?", {"tag": "action", "actions": actions})
    path = f"/im/v1/messages/{ignored['context']['open_message_id']}"
    assert (await company.client.call("PATCH", path, {"content": json.dumps(changed)}))["code"] == 0
    await expect(buttons).to_have_text(["No", "Never", "Go on"])
    # Whoever was asked about a button meant that one.
    await asked.get_by_role("button", name="OK").click()
    assert (await asyncio.wait_for(desk.bot.clicks.get(), 5))["action"]["value"] == {"do": "reject"}
    await buttons.filter(has_text="Go on").click()
    assert (await asyncio.wait_for(desk.bot.clicks.get(), 5))["action"]["value"] == {"do": "go on"}
    told.set()
    await expect(page.get_by_test_id("toast").filter(has_text="(code: 200671)")).to_have_count(2)


async def test_a_form_is_submitted_whole(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await say(page, "form")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_test_id("toast")).to_have_text("Please fill in what is required")
    await page.get_by_label("Why").fill("I can")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_test_id("toast").last).to_have_text("because I can")
    assert (await desk.bot.clicks.get())["action"]["name"] == "ok"


# Keys, frames, looks


async def test_the_keyboard_is_enough(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    composer = page.get_by_test_id("composer")
    await expect(composer).to_be_focused()
    await page.keyboard.type("card")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("please")
    await expect(composer).to_have_value("card\nplease")
    await page.keyboard.press("Enter")
    await expect(messages(page)).to_have_count(2)
    await page.keyboard.press("ArrowUp")
    await expect(messages(page).last).to_be_focused()
    await page.keyboard.press("Tab")  # the quote
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("card-button").filter(has_text="Approve")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(messages(page).last.locator(".card-head")).to_have_text("Approved")
    await expect(page.get_by_test_id("card-button").filter(has_text="Undo")).to_be_focused()
    await messages(page).first.focus()
    await messages(page).first.get_by_role("button", name="Add reaction").press("Enter")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(messages(page).first.get_by_test_id("reaction")).to_have_attribute("data-emoji", "OK")
    await page.get_by_test_id("new-group").press("Enter")
    await expect(page.get_by_role("dialog", name="New group")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("new-group")).to_be_focused()


async def test_frames_and_calls_are_shown_live_and_filtered(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await page.get_by_role("button", name="Show or hide frames").click()
    await expect(page.get_by_test_id("connections")).to_have_text("1 connection online")
    await say(page, "show me")
    rows = page.get_by_test_id("raw")
    pushed = rows.filter(has_text="im.message.receive_v1")
    await expect(pushed).to_be_visible()
    await expect(rows.filter(has_text="/reply")).to_be_visible()
    await pushed.locator("summary").click()
    await expect(pushed.locator("pre")).to_contain_text('"event_type": "im.message.receive_v1"')
    await page.get_by_test_id("raw-filter").fill("reply")
    await expect(pushed).to_be_hidden()
    await page.get_by_test_id("raw-filter").fill("")
    await page.get_by_role("button", name="API", exact=True).click()
    await expect(rows.filter(has_text="/reply")).to_be_hidden()
    company.sandbox.hub.drop(company.app)
    await expect(page.get_by_test_id("connections")).to_have_text("not connected")


async def test_what_is_made_on_the_page(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.direct)
    await page.get_by_role("button", name="Add a user").click()
    await page.get_by_role("textbox", name="Name", exact=True).fill("Cleo")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_test_id("user").filter(has_text="Cleo")).to_have_attribute(
        "aria-current", "true"
    )
    await desk.live(page)
    await page.get_by_test_id("new-app").click()
    await page.get_by_label("App name").fill("Reporter")
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("dialog", name="App created")).to_contain_text(company.sandbox.url)
    await desk.live(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("This bot has not connected yet")).to_be_visible()
    await page.get_by_test_id("new-group").click()
    await page.get_by_label("Group name").fill("Planning")
    await page.get_by_label("Topic group").check()
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="Planning")).to_be_visible()
    await desk.live(page)
    await expect(page.get_by_test_id("members")).to_have_text("5 members")
    await page.get_by_test_id("language").click()
    await expect(page.get_by_test_id("members")).to_have_text("5 位成员")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_one_thing_at_a_time(desk: Desk, scheme: Any) -> None:
    company = desk.company
    await company.world.say(company.ada, company.direct, "card")
    await company.world.wait_for(lambda message: message.msg_type == "interactive")
    phone = {
        "viewport": {"width": 375, "height": 740},
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": scheme,
    }
    page = await desk.open(company.ada, None, **phone)
    await expect(page.get_by_test_id("chats")).to_be_visible()
    await expect(page.get_by_test_id("composer")).to_be_hidden()
    await page.get_by_test_id("chat").filter(has_text="Bot").first.tap()
    await desk.live(page)
    await expect(page.get_by_test_id("chats")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    page_colour = await page.locator("main").evaluate("one => getComputedStyle(one).backgroundColor")
    assert (page_colour == "rgb(255, 255, 255)") is (scheme == "light")
    await page.get_by_test_id("card-button").filter(has_text="Approve").tap()
    await expect(page.get_by_test_id("toast")).to_have_text("Approved it")
    await page.get_by_role("link", name="Back to the chats").tap()
    await expect(page.get_by_test_id("chats")).to_be_visible()


async def test_hostile_content_does_nothing(desk: Desk) -> None:
    company, world = desk.company, desk.company.world
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    mallory = world.add_user(attack)
    group = world.add_group(attack, [company.ada, mallory, company.app])
    page = await desk.open(company.ada, group)
    await world.say(mallory, group, attack)
    for msg_type in ("post", "interactive", "file", "location"):
        content = {
            "text": attack,
            "file_name": attack,
            "title": attack,
            "content": [[{"tag": "md", "text": attack}]],
            "header": {"title": text(attack)},
            "elements": [
                {"tag": "markdown", "content": f"{attack} [x](javascript:document.title='owned')"},
                button(attack, attack, url="javascript:document.title='owned'"),
                {"tag": attack},
            ],
        }
        await world.say(mallory, group, msg_type=msg_type, content=content)
    await expect(messages(page)).to_have_count(5)
    await page.get_by_test_id("card-button").click()
    await expect(page.get_by_test_id("toast")).to_have_text("Only a bot's card calls back")
    desk.forgive("400 (Bad Request)")
    await page.reload()
    await desk.live(page)
    assert "owned" not in (await page.title()).split("·")[-1]
    assert await page.evaluate("[...document.images].every((one) => one.src.startsWith(location.origin))")


async def test_a_page_that_lost_the_sandbox_says_so_and_recovers(desk: Desk) -> None:
    company = desk.company
    page = await desk.open(company.ada, company.group)
    context = page.context
    await context.set_offline(True)
    for stream in list(company.world.feed._subscribers):
        stream.close()
    await expect(page.get_by_test_id("toast")).to_contain_text("reconnecting")
    await company.world.say(company.ben, company.group, "meanwhile")
    await context.set_offline(False)
    await expect(messages(page).last).to_contain_text("meanwhile")
    await expect(page.get_by_test_id("toast")).to_have_count(0)
    desk.complaints = [one for one in desk.complaints if "ERR_INTERNET_DISCONNECTED" not in one]


# Streams


def streamed(words: str, *, live: bool) -> dict[str, Any]:
    """A card as it is streamed."""
    stop = button("Stop", "stop", element_id="stop")
    return {
        "schema": "2.0",
        "config": {"streaming_mode": True} if live else {"summary": {"content": words[:20]}},
        "header": {"title": text("Answer")},
        "body": {
            "elements": [
                {"tag": "markdown", "element_id": "text", "content": words},
                *([stop] if live else []),
            ]
        },
    }


async def test_a_card_is_written_before_ones_eyes_and_can_be_stopped(desk: Desk) -> None:
    company, cards = desk.company, "/cardkit/v1/cards"
    made = await company.client.call(
        "POST", cards, {"type": "card_json", "data": json.dumps(streamed("…", live=True))}
    )
    card_id = made["data"]["card_id"]
    page = await desk.open(company.ada, company.direct)
    chinese = await desk.open(company.ada, company.direct, locale="zh-CN")
    await company.client.sent(
        company.direct.chat_id, {"type": "card", "data": {"card_id": card_id}}, "interactive"
    )
    shown = messages(page).last
    await expect(page.get_by_test_id("streaming")).to_have_text("Generating…")
    await expect(page.get_by_test_id("chat").filter(has_text="Generating…")).to_have_count(1)
    stop = page.get_by_test_id("card-button").filter(has_text="Stop")
    drawn = await stop.element_handle()
    await expect(chinese.get_by_test_id("streaming")).to_have_text("生成中…")
    words = "# Weather\n\nSunny"
    for end in range(1, len(words) + 1, 4):
        body = {"content": words[:end], "sequence": end}
        assert (await company.client.call("PUT", f"{cards}/{card_id}/elements/text/content", body))[
            "code"
        ] == 0
    await expect(shown.locator(".prose h1")).to_have_text("Weather")
    # The button was not drawn anew while the text came: a press that had begun would have been one.
    assert await drawn.evaluate("one => one.isConnected")
    await stop.click()
    click = await asyncio.wait_for(desk.bot.clicks.get(), 5)
    assert click["action"]["value"] == {"do": "stop"}
    await expect(stop).not_to_have_attribute("aria-busy", "true")
    whole = {"type": "card_json", "data": json.dumps(streamed("Sunny, they say", live=False))}
    ended = await company.client.call("PUT", f"{cards}/{card_id}", {"card": whole, "sequence": 99})
    assert ended["code"] == 0
    await expect(page.get_by_test_id("streaming")).to_have_count(0)
    await expect(stop).to_have_count(0)
    await expect(shown).to_contain_text("Sunny, they say")
    await expect(page.get_by_test_id("chat").filter(has_text="Sunny, they say")).to_have_count(1)
    await expect(chinese.get_by_test_id("streaming")).to_have_count(0)
