"""What a newcomer does first: start bot and sandbox in one process, open the page, write "help"."""

import os
from pathlib import Path

from playwright.async_api import Browser, expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"


async def test_a_newcomer_asks_for_help(chromium: Browser, start_bot, tmp_path: Path) -> None:
    bot = await start_bot(FEISHU_WS__SANDBOX="true", FEISHU_WS__LOCALE="en_US", LOG_LEVEL="INFO")
    line = await bot.line("The local Feishu is at")
    address = next(word for word in line.split() if word.startswith("http://"))

    context = await chromium.new_context(viewport={"width": 1440, "height": 860}, locale="en-US")
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(address)
    live = page.locator("body[data-live]")
    await expect(live).to_be_attached(timeout=15_000)

    # The page opens with the bot's direct chat.
    await page.get_by_test_id("composer").fill("help")
    await page.keyboard.press("Enter")
    messages = page.get_by_test_id("messages")
    await expect(messages).to_contain_text("I am Butler", timeout=15_000)
    await expect(messages).to_contain_text("whoami")

    # In the group only a mention is answered.
    await page.get_by_test_id("chat").filter(has_text="Everyone").click()
    await expect(page.get_by_role("heading", name="Everyone")).to_be_visible()
    await expect(live).to_be_attached(timeout=15_000)
    composer = page.get_by_test_id("composer")
    await composer.fill("whoami")
    await composer.press("Enter")
    await expect(composer).to_have_value("")
    await composer.press_sequentially("@Butl")
    await composer.press("Enter")
    await composer.press_sequentially("status")
    await composer.press("Enter")
    await expect(messages).to_contain_text("State: connected", timeout=15_000)
    await expect(messages).not_to_contain_text("open_id")

    await page.get_by_test_id("chat").filter(has_text="Bot").first.click()
    await expect(page.get_by_role("heading", name="Butler", exact=True)).to_be_visible()
    await expect(live).to_be_attached(timeout=15_000)
    await expect(messages).to_contain_text("whoami")
    # One of the two people may manage connectors, the other may not.
    await page.get_by_test_id("composer").fill("/feishu status butler")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("card-button").first).to_be_visible(timeout=15_000)
    bob, alice = (page.get_by_test_id("user").filter(has_text=name) for name in ("Bob", "Alice"))
    await bob.click()
    await expect(bob).to_have_attribute("aria-current", "true")
    await expect(live).to_be_attached(timeout=15_000)
    await page.get_by_test_id("composer").fill("/feishu list")
    await page.keyboard.press("Enter")
    await expect(messages).to_contain_text("You may not do this.", timeout=15_000)
    await alice.click()
    await expect(alice).to_have_attribute("aria-current", "true")
    await expect(live).to_be_attached(timeout=15_000)
    await expect(page.get_by_test_id("card-button").first).to_be_visible(timeout=15_000)

    await page.locator(".pane-toggle").click()
    await expect(page.locator("#pane")).to_contain_text("im.message.receive_v1")
    shot = await page.screenshot(path=tmp_path / "chat.png")
    assert len(shot) > 10_000
    if os.environ.get("UPDATE_SCREENSHOTS"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        (IMAGES / "chat.png").write_bytes(shot)
    assert problems == []
    await context.close()
    assert await bot.stop() == 0
