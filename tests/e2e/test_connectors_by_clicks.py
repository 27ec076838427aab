"""A bot in a process of its own, and a person who adds, runs, silences and removes another one by clicks only."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from reading import plain

from feishu_sandbox import App, Chat, Message, Sandbox, User

_PATIENCE = 20_000.0  # milliseconds: a process of its own may have to start in between


class Seat:
    """Somebody in front of the chat page."""

    def __init__(self, page: Page, sandbox: Sandbox, user: User) -> None:
        self._page = page
        self._sandbox = sandbox
        self._user = user

    @property
    def last(self) -> Locator:
        return self._page.get_by_test_id("message").last

    async def enter(self, chat: Chat) -> None:
        await self._page.goto(f"{self._sandbox.url}/?user={self._user.union_id}&chat={chat.chat_id}")
        await self._page.locator("body[data-live]").wait_for()

    async def say(self, words: str) -> None:
        await self._page.get_by_test_id("composer").fill(words)
        await self._page.get_by_test_id("composer").press("Enter")

    async def press(self, label: str, shown: str) -> None:
        """Click a button of the last card, which then shows something."""
        await self.last.get_by_role("button", name=label, exact=True).click()
        await self.shows(shown)

    async def shows(self, words: str) -> None:
        """The last message is, or becomes, one that holds some words."""
        await expect(self.last).to_contain_text(words, timeout=_PATIENCE)

    async def fill(self, **fields: str) -> None:
        """Fill in the form of the last card."""
        for name, value in fields.items():
            await self.last.locator(f"form.card-form input[name={name}]").fill(value)


@pytest.fixture
async def seat(chromium: Browser, feishu_sandbox: Sandbox) -> AsyncIterator[Seat]:
    context = await chromium.new_context(locale="en-US", viewport={"width": 1360, "height": 1000})
    page = await context.new_page()
    page.set_default_timeout(_PATIENCE)
    yield Seat(page, feishu_sandbox, feishu_sandbox.world.add_user("Alice"))
    await context.close()


async def answered(sandbox: Sandbox, app: App, user: User, words: str) -> Message:
    """Somebody writes to a bot directly, and it answers."""
    asked = await sandbox.world.say(user, sandbox.world.direct_chat(user, app), words)
    return await sandbox.world.wait_for(
        lambda message: message.sender is app and message.parent_id == asked.message_id, timeout=20
    )


async def test_a_connector_from_nothing_to_nothing(
    feishu_sandbox: Sandbox, start_bot: Any, seat: Seat
) -> None:
    world, hub = feishu_sandbox.world, feishu_sandbox.hub
    desk, new, (alice,) = world.add_app("Desk"), world.add_app("New"), world.users.values()
    at_desk, with_new = world.direct_chat(alice, desk), world.direct_chat(alice, new)
    declared = {"name": "desk", "app_id": desk.app_id, "app_secret": desk.app_secret}
    settings = {
        "FEISHU_WS__URL": feishu_sandbox.url,
        "FEISHU_WS__CONNECTORS": json.dumps([declared]),
        "FEISHU_WS__LOCALE": "en_US",
        "SUPERUSERS": json.dumps([alice.open_id(desk)]),
    }
    first = await start_bot(**settings)
    await hub.wait_connected(desk, timeout=20)

    await seat.enter(at_desk)
    await seat.say("/feishu list")
    await seat.shows("desk (config) ·")
    await seat.press("Add a connector", "App Secret")
    await expect(seat.last.locator("input[name=app_secret]")).to_have_attribute("type", "password")
    await seat.fill(name="new", app_id=new.app_id, app_secret=new.app_secret)
    await seat.press("Submit", "Added new")
    await seat.press("Verify", "its bot is “New”")
    await seat.press("Enable", "🟢 connected")

    await seat.enter(with_new)
    await seat.say("help")
    await seat.shows("whoami")

    await seat.enter(at_desk)
    await seat.press("Disable", "Disable new?")
    await seat.press("Disable", "⚪ disabled")
    await hub.wait_disconnected(new, timeout=20)
    unheard = await world.say(alice, with_new, "help")

    assert await first.stop() == 0
    await hub.wait_disconnected(desk)
    second = await start_bot(**settings)
    await hub.wait_connected(desk, timeout=20)
    assert "whoami" in plain(await answered(feishu_sandbox, desk, alice, "help"))
    assert not hub.online(new), "it was disabled before the restart"
    assert all(message.parent_id != unheard.message_id for message in world.messages.values())

    await seat.enter(at_desk)
    await seat.say("/feishu list")
    await seat.shows("⚪ disabled  new ·")
    await seat.press("Enable", "🟢 connected  new ·")
    assert "whoami" in plain(await answered(feishu_sandbox, new, alice, "help"))
    await seat.say("/feishu show new")
    await seat.shows("mention_required")
    await seat.press("Remove", "Remove new and its secrets?")
    await seat.press("Remove", "Removed new and its secrets")
    await hub.wait_disconnected(new, timeout=20)
    assert "new ·" not in await seat.last.inner_text()

    assert await second.stop() == 0
    for output in ("".join(first.output), "".join(second.output)):
        assert new.app_secret not in output
        assert "Traceback" not in output
