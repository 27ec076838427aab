"""The chat page over HTTP: what it serves, what it accepts, what it refuses, and its event stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from feishu_sandbox import Chat, Sandbox, User

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
ATTACK = "<script>alert(1)</script>"


class Browser:
    """The page's requests, as its scripts make them."""

    def __init__(self, company: Any, http: aiohttp.ClientSession) -> None:
        self.world, self.company, self.http = company.world, company, http
        self.url = company.sandbox.url

    async def page(self, user: User, chat: Chat | None = None, **query: str) -> str:
        params = {"user": user.union_id, **({"chat": chat.chat_id} if chat else {}), **query}
        async with self.http.get(f"{self.url}/", params=params) as response:
            assert response.status == 200
            return await response.text()

    async def do(
        self, what: str, user: User, chat: Chat | None = None, **body: Any
    ) -> tuple[int, dict[str, Any]]:
        body = {"user": user.union_id, **({"chat": chat.chat_id} if chat else {}), **body}
        async with self.http.post(f"{self.url}/sandbox/page/{what}", json=body) as response:
            return response.status, await response.json()

    async def said(self, user: User, chat: Chat, text: str, **more: Any) -> Any:
        status, answer = await self.do("say", user, chat, text=text, **more)
        assert status == 200, answer
        return self.world.messages[answer["message_id"]]

    async def form(self, action: str, **fields: Any) -> str:
        """Submit a form; answers where it leads."""
        data = aiohttp.FormData(
            [
                (key, one)
                for key, value in fields.items()
                for one in (value if isinstance(value, list) else [value])
            ]
        )
        async with self.http.post(
            f"{self.url}/sandbox/page/{action}", data=data, allow_redirects=False
        ) as response:
            assert response.status == 303, await response.text()
            return response.headers["Location"]

    async def upload(
        self, user: User, chat: Chat, kind: str, data: bytes, name: str
    ) -> tuple[int, dict[str, Any]]:
        form = aiohttp.FormData(quote_fields=False)  # as browsers do
        form.add_field("file", data, filename=name)
        params = {"user": user.union_id, "chat": chat.chat_id, "kind": kind}
        async with self.http.post(f"{self.url}/sandbox/page/upload", params=params, data=form) as response:
            return response.status, await response.json()


@pytest_asyncio.fixture
async def browser(company: Any) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(company, http)


# What is served


async def test_everything_forbids_foreign_code(browser: Browser) -> None:
    resource = browser.world.add_resource(browser.company.ada, "image", PNG, "a.png", "image/png")
    for path in (
        "/",
        "/sandbox/page/static/page.js",
        f"/sandbox/page/media/{resource.key}",
        "/sandbox/page/media/none",
    ):
        async with browser.http.get(browser.url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_every_file_the_page_names_is_there(browser: Browser) -> None:
    html = await browser.page(browser.company.ada)
    names = {part.split('"')[0] for part in html.split("/sandbox/page/static/")[1:]}
    assert {"base.css", "page.js", "icon.svg"} <= names
    for name in names:
        async with browser.http.get(f"{browser.url}/sandbox/page/static/{name}") as response:
            assert response.status == 200
    async with browser.http.get(f"{browser.url}/sandbox/page/static/..%2F__init__.py") as response:
        assert response.status == 404


async def test_the_first_visit_opens_a_chat_without_any_query(browser: Browser) -> None:
    async with browser.http.get(f"{browser.url}/") as response:
        html = await response.text()
    assert 'data-testid="composer"' in html
    assert html.count('data-testid="user"') == 2


async def test_an_empty_company_can_be_looked_at() -> None:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as http, http.get(f"{sandbox.url}/") as response:
        assert response.status == 200
        assert 'data-testid="composer"' not in await response.text()


async def test_language(browser: Browser) -> None:
    ada = browser.company.ada
    assert 'lang="zh-CN"' in await browser.page(ada)
    async with browser.http.get(f"{browser.url}/", headers={"Accept-Language": "en-GB"}) as response:
        assert 'lang="en"' in await response.text()
    assert 'lang="en"' in await browser.page(ada, lang="en")  # sets a cookie and comes back
    assert 'lang="en"' in await browser.page(ada)


async def test_hostile_names_are_text(browser: Browser) -> None:
    world, ada = browser.world, browser.company.ada
    mallory, bot = world.add_user(ATTACK), world.add_app(f'"><img src=x onerror=alert(1)>{ATTACK}')
    group = world.add_group(ATTACK, [ada, mallory, bot])
    await world.say(mallory, group, f"{ATTACK} @{ATTACK}", mentions=[mallory])
    html = await browser.page(ada, group)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


async def test_somebody_elses_chat_is_not_shown(browser: Browser) -> None:
    await browser.world.say(browser.company.ada, browser.company.direct, "only for the bot")
    html = await browser.page(browser.company.ben, browser.company.direct)
    assert "only for the bot" not in html


# Writing


async def test_text_with_mentions(browser: Browser) -> None:
    company = browser.company
    message = await browser.said(
        company.ada, company.group, "hello @Bot and @Ben", mentions=[company.app.app_id]
    )
    assert message.content == {"text": "hello @_user_1 and @_user_2"}
    assert [one.who for one in message.mentions] == [company.app, company.ben]


async def test_everybody_is_mentioned_by_the_readers_word_for_it(browser: Browser) -> None:
    company = browser.company
    message = await browser.said(company.ada, company.group, "@所有人 hi", mentions=["all"])
    assert message.content["text"] == "@_all hi"


async def test_rich_text(browser: Browser) -> None:
    company = browser.company
    message = await browser.said(company.ada, company.group, "@Bot **now**", type="post")
    assert message.msg_type == "post"
    (row,) = message.content["content"]
    assert [one["tag"] for one in row] == ["at", "text", "text"]
    assert row[2]["style"] == ["bold"]


async def test_raw_json_of_any_type(browser: Browser) -> None:
    company = browser.company
    place = json.dumps({"name": "Hangzhou", "longitude": "1", "latitude": "2"})
    message = await browser.said(company.ada, company.direct, place, type="raw", msg_type="location")
    assert (message.msg_type, message.content["name"]) == ("location", "Hangzhou")
    for text, msg_type in (("{", "text"), ("[]", "text"), ("{}", "nonsense")):
        status, answer = await browser.do(
            "say", company.ada, company.direct, text=text, type="raw", msg_type=msg_type
        )
        assert status == 400
        assert answer["error"]


async def test_reply_and_thread(browser: Browser) -> None:
    company, world = browser.company, browser.world
    first = await browser.said(company.ben, company.group, "first")
    reply = await browser.said(company.ada, company.group, "reply", reply_to=first.message_id)
    assert (reply.parent_id, reply.thread_id) == (first.message_id, None)
    topics = world.add_group("Topics", [company.ada, company.ben], topic=True)
    topic = await browser.said(company.ben, topics, "topic")
    inside = await browser.said(
        company.ada, topics, "inside", reply_to=topic.message_id, thread=topic.thread_id
    )
    assert inside.thread_id == topic.thread_id
    html = await browser.page(company.ada, topics)
    assert html.index("topic-box") < html.index("inside</div>")
    started = await browser.said(
        company.ada, company.group, "a thread", reply_to=first.message_id, thread="new"
    )
    assert started.thread_id
    assert started.thread_id == first.thread_id
    status, _ = await browser.do("say", company.ada, company.group, text="x", reply_to=topic.message_id)
    assert status == 404


async def test_what_cannot_be_said(browser: Browser) -> None:
    company = browser.company
    assert (await browser.do("say", company.ada, company.group, text="  \n"))[0] == 400
    assert (await browser.do("say", company.ben, company.direct, text="not my chat"))[0] == 404
    async with browser.http.post(f"{browser.url}/sandbox/page/say", data="{") as response:
        assert response.status == 400
    async with browser.http.post(f"{browser.url}/sandbox/page/say", json=["x"]) as response:
        assert response.status == 404


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_other_sites_cannot_press_the_buttons(browser: Browser, headers: dict[str, str]) -> None:
    company = browser.company
    body = {"user": company.ada.union_id, "chat": company.direct.chat_id, "text": "forged"}
    async with browser.http.post(f"{browser.url}/sandbox/page/say", json=body, headers=headers) as response:
        assert response.status == 403
    assert not browser.world.messages
    headers = {"Origin": browser.url, "Sec-Fetch-Site": "same-origin"}
    async with browser.http.post(f"{browser.url}/sandbox/page/say", json=body, headers=headers) as response:
        assert response.status == 200


async def test_files_come_back_as_they_went(browser: Browser) -> None:
    company = browser.company
    for kind, data, name, msg_type, served in (
        ("image", PNG, "a.png", "image", "image/png"),
        ("file", b"hello", "报告.txt", "file", "application/octet-stream"),
        ("image", b"<svg onload='alert(1)'/>", "x.svg", "file", "application/octet-stream"),
    ):
        status, answer = await browser.upload(company.ada, company.direct, kind, data, name)
        assert status == 200
        message = browser.world.messages[answer["message_id"]]
        assert message.msg_type == msg_type
        key = message.content.get("image_key") or message.content["file_key"]
        async with browser.http.get(f"{browser.url}/sandbox/page/media/{key}") as response:
            assert response.content_type == served
            assert ("Content-Disposition" in response.headers) is (msg_type == "file")
            assert await response.read() == data
    assert "报告.txt" in await browser.page(company.ada, company.direct)


async def test_a_bots_image_of_another_kind_is_downloaded_not_shown(browser: Browser) -> None:
    resource = browser.world.add_resource(browser.company.app, "image", b"<html>", "x.png", "text/html")
    async with browser.http.get(f"{browser.url}/sandbox/page/media/{resource.key}") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"


# Doing


async def test_a_reaction_goes_on_and_off(browser: Browser) -> None:
    company = browser.company
    message = await browser.said(company.ben, company.group, "good news")
    assert await browser.do("react", company.ada, message_id=message.message_id, emoji="HEART") == (
        200,
        {"mine": True},
    )
    html = await browser.page(company.ada, company.group)
    assert 'data-emoji="HEART" aria-pressed="true"' in html
    assert "❤️" in html
    assert await browser.do("react", company.ada, message_id=message.message_id, emoji="HEART") == (
        200,
        {"mine": False},
    )
    assert not message.reactions


async def test_only_ones_own_messages_are_withdrawn(browser: Browser) -> None:
    company = browser.company
    message = await browser.said(company.ada, company.group, "oops, a secret")
    assert (await browser.do("withdraw", company.ben, message_id=message.message_id))[0] == 403
    assert (await browser.do("withdraw", company.ada, message_id=message.message_id))[0] == 200
    html = await browser.page(company.ben, company.group)
    assert "a secret" not in html
    assert "Ada 撤回了一条消息" in html


async def test_a_click_nobody_answers_shows_feishus_error(browser: Browser, card: dict[str, Any]) -> None:
    company = browser.company
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    status, answer = await browser.do("click", company.ada, message_id=message_id, action={"tag": "button"})
    assert (status, answer["code"]) == (200, 200340)
    assert answer["toast"] == {"type": "error", "content": "出错了，请稍后重试（code: 200340）"}


async def test_a_click_brings_the_toast_in_the_readers_language(
    browser: Browser, card: dict[str, Any]
) -> None:
    company = browser.company
    link = await company.client.connect()
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    click = asyncio.create_task(
        browser.do(
            "click", company.ada, message_id=message_id, action={"tag": "button", "value": {"go": True}}
        )
    )
    frame, event = await link.event()
    assert event["event"]["action"]["value"] == {"go": True}
    toast = {"type": "success", "content": "done", "i18n": {"zh_cn": "好了"}}
    await link.ack(frame, data={"toast": toast})
    assert await asyncio.wait_for(click, 5) == (200, {"toast": {"type": "success", "content": "好了"}})


async def test_people_apps_and_groups_are_made(browser: Browser) -> None:
    world, ada = browser.world, browser.company.ada
    await browser.form("users", name="  Cleo  ")
    cleo = next(one for one in world.users.values() if one.name == "Cleo")
    where = await browser.form("apps", name="Reporter", user=ada.union_id)
    app = next(one for one in world.apps.values() if one.name == "Reporter")
    async with browser.http.get(browser.url + where) as response:
        assert app.app_secret in await response.text()
    await browser.form("groups", name="New", user=ada.union_id, member=[cleo.union_id, app.app_id], topic="1")
    group = next(one for one in world.chats.values() if one.name == "New")
    assert (group.users, group.apps, group.topic) == ([ada, cleo], [app], True)
    await browser.form("members", user=ada.union_id, chat=group.chat_id, app=app.app_id, do="remove")
    assert group.apps == []
    await browser.form("members", user=ada.union_id, chat=group.chat_id, app=app.app_id, do="add")
    assert group.apps == [app]


@pytest.mark.parametrize("form", ["users", "apps", "groups", "members"])
async def test_a_form_without_what_it_needs_changes_nothing(browser: Browser, form: str) -> None:
    before = (len(browser.world.users), len(browser.world.apps), len(browser.world.chats))
    async with browser.http.post(f"{browser.url}/sandbox/page/{form}", data={"name": " "}) as response:
        assert response.status in (400, 404)
    assert before == (len(browser.world.users), len(browser.world.apps), len(browser.world.chats))


async def test_an_apps_request_url(browser: Browser) -> None:
    """It is checked when it is saved; empty, long connections again."""
    app = browser.company.app

    async def save(url: str, key: str = "") -> int:
        form = {"app": app.app_id, "request_url": url, "encrypt_key": key}
        async with browser.http.post(f"{browser.url}/sandbox/page/webhook", data=form) as response:
            return response.status

    assert await save(f"{browser.url}/nowhere", "a key") == 400
    assert (app.request_url, app.encrypt_key) == (None, "a key")
    app.request_url = "http://127.0.0.1:9/feishu"
    shown = await browser.page(browser.company.ada)
    assert app.request_url in shown
    assert app.verification_token in shown
    assert await save("") == 200
    assert (app.request_url, app.encrypt_key) == (None, None)


async def test_unread_until_opened(browser: Browser) -> None:
    company = browser.company
    for _ in range(3):
        await browser.said(company.ben, company.group, "news")
    assert ">3</span>" in await browser.page(company.ada, company.direct)
    assert 'class="count"' not in await browser.page(company.ben, list="1")  # not one's own
    await browser.page(company.ada, company.group)
    assert ">3</span>" not in await browser.page(company.ada, company.direct)


# The event stream


class Stream:
    """Reads server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, dict[str, Any]]:
        lines: list[str] = []
        while (line := (await asyncio.wait_for(self.response.content.readline(), 5)).decode()) not in (
            "\n",
            "",
        ):
            lines.append(line)
        assert lines, "the stream ended"
        if lines[0].startswith("retry:"):
            return await self.next()
        return lines[0].removeprefix("event: ").strip(), json.loads(lines[1].removeprefix("data: "))

    async def until(self, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        while True:
            _, data = await self.next()
            if wanted(data):
                return data


async def test_the_stream_begins_with_everything_and_goes_on_with_changes(browser: Browser) -> None:
    company = browser.company
    await browser.said(company.ada, company.group, "before")
    params = {"user": company.ada.union_id, "chat": company.group.chat_id}
    async with browser.http.get(f"{browser.url}/sandbox/page/live", params=params) as response:
        assert response.content_type == "text/event-stream"
        stream = Stream(response)
        name, data = await stream.next()
        assert name == "sync"
        assert "before" in data["entries"]
        message = await browser.said(company.ben, company.group, "after <b>")
        data = await stream.until(lambda data: "entry" in data)
        assert [one["key"] for one in data["entry"]] == [message.message_id]
        assert "after &lt;b&gt;" in data["entry"][0]["html"]
        await browser.said(company.ada, company.direct, "elsewhere")
        data = await stream.until(lambda data: "elsewhere" in data.get("chats", ""))
        assert "entry" not in data
        link = await company.client.connect()
        data = await stream.until(lambda data: "apps" in data)
        assert "1 个长连接在线" in data["apps"]
        await browser.said(company.ben, company.group, "pushed")
        data = await stream.until(lambda data: "receive_v1" in data.get("row", ""))
        await link.ws.close()


async def test_a_burst_is_told_in_few_pieces_and_in_order(browser: Browser) -> None:
    company = browser.company
    params = {"user": company.ada.union_id, "chat": company.group.chat_id}
    async with browser.http.get(f"{browser.url}/sandbox/page/live", params=params) as response:
        stream = Stream(response)
        await stream.next()
        sent: list[str] = []
        for n in range(100):
            sent.append((await browser.world.say(company.ben, company.group, f"no. {n}")).message_id)
            await asyncio.sleep(0)  # a burst that the stream could chop up
        told: list[str] = []
        batches = 0
        while len(told) < len(sent):
            data = await stream.until(lambda data: "entry" in data)
            told += [one["key"] for one in data["entry"]]
            batches += 1
        assert told == sent
        assert batches < 10


async def test_the_stream_ends_with_the_sandbox(browser: Browser) -> None:
    params = {"user": browser.company.ada.union_id, "chat": ""}
    async with browser.http.get(f"{browser.url}/sandbox/page/live", params=params) as response:
        await Stream(response).next()
        before = {task for task in asyncio.all_tasks() if task.get_name() == "sandbox page stream"}
        assert before
        await asyncio.wait_for(browser.company.sandbox.stop(), 5)
        assert await asyncio.wait_for(response.content.read(), 5) == b""
        assert all(task.done() for task in before)


async def test_a_browser_that_knows_nobody_is_told_to_give_up(browser: Browser) -> None:
    params = {"user": "on_of_yesterday", "chat": ""}
    async with browser.http.get(f"{browser.url}/sandbox/page/live", params=params) as response:
        assert response.status == 204


async def test_secrets_do_not_show_in_the_frames(browser: Browser) -> None:
    company = browser.company
    await company.client.login()
    html = await browser.page(company.ada, company.direct)
    rows = html[html.index('data-testid="rows"') : html.index("rows-empty")]
    assert "tenant_access_token" in rows
    assert company.app.app_secret not in rows
    assert company.client.token not in rows
