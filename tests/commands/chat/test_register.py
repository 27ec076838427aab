"""`register`: a link for one person, an app, a verified connector; and no secret on the way."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from yarl import URL

from feishu_sandbox import Message, Rules


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    """Nobody has to wait."""
    return Rules(registration_interval=0.05, registration_slow_down=0.02)


async def scan_card(town: Any, user: Any) -> Message:
    return await town.world.wait_for(
        lambda message: (
            message.chat is town.direct(user)
            and message.sender is town.app
            and "Waiting for you" in town.read(message)
        ),
        timeout=10,
    )


def link_of(town: Any, card: Message) -> str:
    return next(one["behaviors"][0]["default_url"] for one in town.buttons(card) if "default_url" in str(one))


def approve(town: Any, card: Message, name: str = "Fresh") -> Any:
    return town.sandbox.registrations.approve(URL(link_of(town, card)).query["user_code"], town.root, name)


async def names(town: Any) -> list[str]:
    return [one.spec.name for one in await town.service.visible(town.bot.root)]


async def test_from_a_code_to_a_verified_connector(town) -> None:
    await town.ask(town.root, "/feishu register fresh")
    card = await scan_card(town, town.root)
    assert link_of(town, card) in town.read(card)
    (picture,) = [one["img_key"] for one in card.content["body"]["elements"] if one["tag"] == "img"]
    assert town.world.resources[picture].data.startswith(b"\x89PNG")
    app = approve(town, card)
    await town.shows(card, "The app is created and verified: fresh, its bot is “Fresh”")
    connector = await town.service.get(town.bot.root, "fresh")
    assert connector.verified_at is not None
    assert connector.spec.app_secret.get_secret_value() == app.app_secret
    assert connector.spec.owner == town.root.open_id(town.app)
    await town.click(town.root, card, "Enable")
    await town.shows(card, "🟢 connected")
    assert app.app_secret not in str([message.content for message in town.world.messages.values()])
    assert len([m for m in town.world.messages_in(town.direct(town.root)) if m.sender is town.app]) == 1


async def test_without_a_name_one_is_made(town) -> None:
    await town.ask(town.root, "/feishu register")
    app = approve(town, card := await scan_card(town, town.root))
    await town.shows(card, "created and verified")
    (name,) = set(await names(town)) - {"desk"}
    assert name == f"app-{app.app_id[-8:].lower()}"


async def test_a_name_that_is_taken_meanwhile_loses_no_app(town, owned) -> None:
    await town.ask(town.root, "/feishu register fresh")
    card = await scan_card(town, town.root)
    await owned("fresh", town.owner)
    app = approve(town, card)
    await town.shows(card, "created and verified")
    assert sorted(await names(town)) == sorted(["desk", "fresh", f"app-{app.app_id[-8:].lower()}"])


async def test_in_a_group_nobody_else_sees_the_link(town) -> None:
    said = await town.told(town.root, "/feishu register fresh", town.group)
    assert said == "I have sent you the link in our direct chat."
    card = await scan_card(town, town.root)
    assert "user_code" not in str([message.content for message in town.world.messages_in(town.group)])
    await town.click(town.root, card, "Cancel")
    await town.shows(card, "Cancelled.")


async def test_it_can_be_cancelled_by_whoever_asked(town, superusers) -> None:
    await town.ask(town.root, "/feishu register fresh")
    card = await scan_card(town, town.root)
    code = URL(link_of(town, card)).query["user_code"]
    superusers.add(town.other.open_id(town.app))
    foreign = await town.click(town.other, card, "Cancel")
    assert foreign.toast["content"] == "This was for somebody else."
    await town.click(town.root, card, "Cancel")
    await town.shows(card, "Cancelled.")
    assert town.buttons(card) == []
    await town.settled()
    town.sandbox.registrations.approve(code, town.root, "Late")
    assert await names(town) == ["desk"]


async def test_a_refusal_is_said(town) -> None:
    await town.ask(town.root, "/feishu register fresh")
    card = await scan_card(town, town.root)
    town.sandbox.registrations.deny(URL(link_of(town, card)).query["user_code"])
    await town.shows(card, "The app was declined.")
    assert town.buttons(card) == []


async def test_what_cannot_be_used_is_said_before_anything_is_made(town, owned) -> None:
    await owned("theirs", town.owner)
    assert "name is not valid" in await town.told(town.root, "/feishu register Not_Good")
    assert "Another connector has this name" in await town.told(town.root, "/feishu register desk")
    assert await town.told(town.owner, "/feishu register mine") == "You may not do this."
    assert "Usage: /feishu register" in await town.told(town.root, "/feishu register a b")


async def test_where_no_direct_message_goes_it_is_said(town) -> None:
    from feishu_sandbox import ApiFault

    town.sandbox.faults.add(ApiFault(path="/open-apis/im/v1/messages", code=230013, times=1))
    said = await town.told(town.root, "/feishu register fresh", town.group)
    assert "I cannot write to you directly" in said


async def test_by_clicks_in_a_browser(town, chromium: Browser) -> None:
    context = await chromium.new_context(locale="en-US", viewport={"width": 1360, "height": 1000})
    try:
        page = await context.new_page()
        page.set_default_timeout(10000)
        await page.goto(
            f"{town.sandbox.url}/?user={town.root.union_id}&chat={town.direct(town.root).chat_id}"
        )
        await page.locator("body[data-live]").wait_for()
        await page.get_by_test_id("composer").fill("/feishu register fresh")
        await page.get_by_test_id("composer").press("Enter")
        last = page.get_by_test_id("message").last
        await expect(last).to_contain_text("Waiting for you")
        assert await last.locator("img[src*=img_]").evaluate(
            "one => one.decode().then(() => one.naturalWidth)"
        )
        confirm = await context.new_page()
        await confirm.goto(link_of(town, await scan_card(town, town.root)))
        await confirm.get_by_test_id("approve").click()
        await expect(last).to_contain_text("The app is created and verified: fresh")
    finally:
        await context.close()


async def test_a_shutdown_waits_for_nobody(town) -> None:
    """The handler is done at once: NoneBot would shield it from a shutdown."""
    await town.ask(town.root, "/feishu register fresh")
    card = await scan_card(town, town.root)
    await asyncio.wait_for(town.settled(), 5)
    await town.close()
    code = URL(link_of(town, card)).query["user_code"]
    town.sandbox.registrations.approve(code, town.root, "Late")
    await town.told(town.root, "/feishu help")
    assert await names(town) == ["desk"]
