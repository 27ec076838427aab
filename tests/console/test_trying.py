"""A test message from a connector's page: sent, or why not, with what was typed kept."""

import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from reading import plain

from feishu_sandbox import ApiFault
from nonebot_plugin_feishu_ws.storage import new_key

Open = Callable[..., Awaitable[Any]]


async def logged(site: Any, name: str, action: str = "ws_outbound") -> list[Any]:
    """What the log says about a connector, newest first."""
    book = site.runtime.management.logbook
    await book.flush()
    rows = [row for row in (await book.read(limit=500)).entries if row.action == action]
    return [row.detail for row in rows if name in (row.name, row.detail.get("connector"))]


def said(page: str) -> dict[str, str]:
    """What a page says is wrong: at its top, and at a field."""
    found = re.findall(r'<p class="problem" id="test-(\w+)-problem">.*?<span>(.*?)</span></p>', page)
    top = re.search(r'id="notice" role="alert">.*?<p>(.*?)</p>', page)
    return {field: unescape(text) for field, text in (*found, ("top", top[1] if top else ""))}


def typed(page: str) -> tuple[str, ...]:
    """What is in the fields."""
    return tuple(
        unescape(re.findall(rf'name="{field}" value="(.*?)"', page)[0]) for field in ("text", "chat_id")
    )


async def test_it_arrives(window: Open, site: Any) -> None:
    """By mouse, then by keyboard alone; what is wrong is said where it is, and read out there."""
    name, app = await site.enabled("tries")
    world = site.sandbox.world
    chat = world.add_group("Everyone", [world.add_user("Alice"), app])
    one = await window()
    await one.go(f"/connectors/{name}")
    text, target = one.field("Text"), one.page.get_by_role("textbox", name="Chat")
    await expect(target).to_have_attribute("placeholder", "First allowed chat, else latest")
    await text.fill('"Hello" <b>from</b> the console')
    await one.press("Send", "Not sent: please correct the fields that are marked.")
    await expect(target).to_be_focused()
    await expect(target).to_have_accessible_description(
        "A chat (oc_…), or a person (ou_… or on_…). Empty: the first allowed chat, else the one where the bot was "
        f"last spoken to. There is nowhere for {name} to send to: name a chat_id, or let "
        "somebody write to the bot first."
    )
    await expect(text).to_have_value('"Hello" <b>from</b> the console')
    assert not await one.flaws()
    await one.page.keyboard.type(chat.chat_id)
    await one.press("Send", f"Sent to {chat.chat_id} as message om_")
    assert one.page.url.endswith(f"/connectors/{name}"), "it can be loaded again, and nothing is sent"
    (message,) = world.messages_in(chat)
    assert (message.sender, plain(message)) == (app, '"Hello" <b>from</b> the console')
    await expect(one.page.locator("#notice")).to_contain_text(message.message_id)
    await expect(text).to_have_value("")
    (row,) = await logged(site, name)
    assert (row["sent"], row["to"], row["by"]) == (message.message_id, chat.chat_id, "ou_admin")
    assert row["from"] == "console"
    await target.focus()
    await one.page.keyboard.type(chat.chat_id)
    await one.page.keyboard.press("Shift+Tab")
    await one.page.keyboard.type("again")
    await one.page.keyboard.press("Enter")
    await one.told(f"Sent to {chat.chat_id}")
    assert plain(world.messages_in(chat)[-1]) == "again"


async def test_where_it_goes(site: Any) -> None:
    """To where the bot was last spoken to; where chats are allowed, to the first, and to no other."""
    name, app = await site.enabled(owner="ou_owner", prefix_command="!")
    world = site.sandbox.world
    alice = world.add_user("Alice")
    direct, group = world.direct_chat(alice, app), world.add_group("Everyone", [alice, app])
    owner = await site.signed_in("ou_owner", app_id=app.app_id)
    await world.say(alice, direct, "hello")
    await site.sandbox.hub.wait_delivery(site.sandbox.hub.deliveries[-1].event_id, timeout=20)
    assert (await owner.post(f"/connectors/{name}/test", {"text": " 1 "})).where == f"/connectors/{name}"
    await site.service.update(site.root, name, {"allowed_chat_ids": group.chat_id})
    assert (await owner.post(f"/connectors/{name}/test", {"text": "2"})).status == 303
    assert f"Sent to {group.chat_id} as" in (await owner.get(f"/connectors/{name}")).text
    assert [plain(world.messages_in(chat)[-1]) for chat in (direct, group)] == ["1", "2"]
    refused = await owner.post(f"/connectors/{name}/test", {"text": "3", "chat_id": direct.chat_id})
    assert refused.status == 422
    problem = f"{direct.chat_id} is not among the allowed_chat_ids of {name}."
    assert said(refused.text) == {
        "top": "Not sent: please correct the fields that are marked.",
        "chat_id": problem,
    }
    assert typed(refused.text) == ("3", direct.chat_id)
    (denied,) = await logged(site, name, "command_denied")
    assert (denied["verb"], denied["by"], denied["from"]) == ("test", "ou_owner", "console")


@pytest.mark.parametrize(
    ("text", "chat", "problems"),
    [
        ("", "", {"text": "Takes 1 to 10,000 characters."}),
        (" \t", "oc_1", {"text": "Takes 1 to 10,000 characters."}),
        ("😀" * 10_001, "", {"text": "Takes 1 to 10,000 characters."}),
        ("hello", "Everyone", {"chat_id": "Takes an id that begins with oc_, ou_ or on_, or nothing."}),
        ("hello", "oc_../../x", {"chat_id": "Takes an id that begins with oc_, ou_ or on_, or nothing."}),
    ],
)
async def test_what_cannot_be_sent(site: Any, text: str, chat: str, problems: dict[str, str]) -> None:
    """Feishu is not asked, and nothing that was typed is lost."""
    name, _ = await site.connector()
    person = await site.signed_in()
    answer = await person.post(f"/connectors/{name}/test", {"text": text, "chat_id": chat})
    assert answer.status == 422
    assert said(answer.text) == {"top": "Not sent: please correct the fields that are marked.", **problems}
    assert typed(answer.text) == (text, chat)
    assert not await logged(site, name)


async def test_what_feishu_says(site: Any) -> None:
    """In its own words: the longest text there is, to a chat without the bot; then nothing, as its network is gone."""
    name, app = await site.connector()
    chat = site.sandbox.world.add_group("Others", [site.sandbox.world.add_user("Alice")])
    person, longest = await site.signed_in(), "😀" * 10_000
    answer = await person.post(f"/connectors/{name}/test", {"text": longest, "chat_id": chat.chat_id})
    assert answer.status == 422
    assert said(answer.text)["top"].startswith("Not sent: ")
    assert "Bot can NOT be out of the chat." in said(answer.text)["top"]
    assert typed(answer.text) == (longest, chat.chat_id)
    assert app.app_secret not in answer.text
    (row,) = await logged(site, name)
    assert "230002" in row["error"]
    site.sandbox.faults.add(ApiFault(path=".*/im/v1/messages", drop=True, times=5))
    lost = await person.post(f"/connectors/{name}/test", {"text": "x", "chat_id": chat.chat_id})
    site.sandbox.faults.clear()
    assert (lost.status, typed(lost.text)) == (422, ("x", chat.chat_id))
    assert said(lost.text)["top"].startswith("Not sent: ")


async def test_secrets_that_do_not_open(site: Any, serve: Any, tmp_path: Path) -> None:
    """Under another key than they were stored with, as after a restore without it."""
    async with serve({"secret_key": new_key()}, tmp_path, site.sandbox) as before:
        name, _ = await before.connector("sealed")
    async with serve({"secret_key": new_key()}, tmp_path, site.sandbox) as after:
        person = await after.signed_in()
        answer = await person.post(f"/connectors/{name}/test", {"text": "hello", "chat_id": "oc_1"})
    assert answer.status == 422
    assert said(answer.text)["top"].startswith("The secrets of sealed do not open: ")
    assert typed(answer.text) == ("hello", "oc_1")


async def test_only_from_the_page_itself(site: Any) -> None:
    """Without the token of the session, or from another site, nothing is sent."""
    name, app = await site.connector()
    chat = site.sandbox.world.direct_chat(site.sandbox.world.add_user("Alice"), app)
    person, form = await site.signed_in(), {"text": "hello", "chat_id": chat.chat_id}
    stale = await person.send("POST", f"/connectors/{name}/test", {"csrf": "0" * 64, **form})
    foreign = await person.post(f"/connectors/{name}/test", form, Sec_Fetch_Site="cross-site")
    assert (stale.status, foreign.status) == (403, 403)
    assert not site.sandbox.world.messages_in(chat)


async def test_in_chinese(site: Any) -> None:
    name, app = await site.connector()
    chat = site.sandbox.world.direct_chat(site.sandbox.world.add_user("Alice"), app)
    person = await site.signed_in()
    wrong = await person.post(f"/connectors/{name}/test", {"chat_id": "x"}, Accept_Language="zh")
    assert said(wrong.text) == {
        "top": "没有发送：请修改标出的字段。",
        "text": "应为 1–10000 个字。",
        "chat_id": "应为 oc_、ou_ 或 on_ 开头的 ID，或留空。",
    }
    form = {"text": "你好", "chat_id": chat.chat_id}
    await person.post(f"/connectors/{name}/test", form, Accept_Language="zh")
    assert (
        f"已发送到 {chat.chat_id}，消息 ID：om_"
        in (await person.get("/connectors", Accept_Language="zh")).text
    )
