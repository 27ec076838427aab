"""A person in front of the chat page adds a bot, runs it, silences it and removes it, by clicks only."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(locale="en-US", viewport={"width": 1360, "height": 1000})
    page = await context.new_page()
    page.set_default_timeout(10000)
    yield page
    await context.close()


def last(page: Page) -> Locator:
    return page.get_by_test_id("message").last


async def press(page: Page, label: str) -> None:
    await last(page).get_by_role("button", name=label, exact=True).click()


async def enter(page: Page, user: Any, chat: Any, town: Any) -> None:
    await page.goto(f"{town.sandbox.url}/?user={user.union_id}&chat={chat.chat_id}")
    await page.locator("body[data-live]").wait_for()


async def say(page: Page, words: str) -> None:
    await page.get_by_test_id("composer").fill(words)
    await page.get_by_test_id("composer").press("Enter")


async def test_a_bot_from_nothing_to_nothing(town, page, pong) -> None:
    app = town.world.add_app("New")
    new = town.world.direct_chat(town.root, app)
    await enter(page, town.root, town.direct(town.root), town)
    await say(page, "/feishu list")
    await expect(last(page)).to_contain_text("desk ·")
    await press(page, "Add a connector")
    form = last(page).locator("form.card-form")
    await form.wait_for()
    await form.locator("input[name=name]").fill("new")
    await form.locator("input[name=app_id]").fill(app.app_id)
    secret = form.locator("input[name=app_secret]")
    await expect(secret).to_have_attribute("type", "password")
    await secret.fill("not the secret")
    await press(page, "Submit")
    await expect(last(page)).to_contain_text("Added new")

    await press(page, "Verify")
    await expect(last(page)).to_contain_text("Check App ID, App Secret and domain")
    await press(page, "Credentials")
    form = last(page).locator("form.card-form")
    await expect(last(page)).to_contain_text("Change the credentials of new")
    await form.locator("input[name=app_secret]").fill(app.app_secret)
    await press(page, "Submit")
    await expect(last(page)).to_contain_text("Changed new: app_secret")
    await press(page, "Verify")
    await expect(last(page)).to_contain_text("its bot is “New”")
    await press(page, "Enable")
    await expect(last(page)).to_contain_text("🟢 connected")

    await enter(page, town.root, new, town)
    await say(page, "ping")
    await expect(last(page)).to_contain_text("pong")

    await enter(page, town.root, town.direct(town.root), town)
    await press(page, "Disable")
    await expect(last(page)).to_contain_text("Disable new?")
    await press(page, "Disable")
    await expect(last(page)).to_contain_text("⚪ disabled")
    await town.bot.state(app, "disconnected")
    silent = await town.world.say(town.root, new, "ping")
    await press(page, "Remove")
    await expect(last(page)).to_contain_text("Remove new and its secrets?")
    await press(page, "Remove")
    await expect(last(page)).to_contain_text("Removed new and its secrets")
    assert [one.spec.name for one in await town.service.visible(town.bot.root)] == ["desk"]
    await town.settled()
    assert all(message.parent_id != silent.message_id for message in town.world.messages.values())
    assert "not the secret" not in str(await page.get_by_test_id("message").all_inner_texts())
