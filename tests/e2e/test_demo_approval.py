"""The story a newcomer sees in two minutes: ask, card, approve as the other one, result."""

from playwright.async_api import Browser, Page, expect


async def switch(page: Page, user: str, chat: str) -> None:
    await page.get_by_test_id("user").filter(has_text=user).click()
    await page.get_by_test_id("chat").filter(has_text=chat).first.click()
    await expect(page.locator("body[data-live]")).to_be_attached(timeout=15_000)


async def test_a_newcomer_approves(chromium: Browser, start_bot) -> None:
    bot = await start_bot(FEISHU_WS__SANDBOX="true", FEISHU_WS__LOCALE="en_US", LOG_LEVEL="INFO")
    line = await bot.line("The local Feishu is at")
    address = next(word for word in line.split() if word.startswith("http://"))
    context = await chromium.new_context(viewport={"width": 1440, "height": 860}, locale="en-US")
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(address)
    await expect(page.locator("body[data-live]")).to_be_attached(timeout=15_000)

    # Alice asks the bot directly. She may not approve it herself.
    composer, messages = page.get_by_test_id("composer"), page.get_by_test_id("messages")
    await composer.fill("restart web")
    await page.keyboard.press("Enter")
    await expect(messages).to_contain_text("restart waits for its approver to agree", timeout=15_000)
    await expect(messages).to_contain_text("Approval needed: restart")
    await expect(messages).to_contain_text('{"service":"web"}')
    await page.get_by_test_id("card-button").filter(has_text="Approve").click()
    await expect(page.locator("body")).to_contain_text("Somebody else must approve what you asked for.")

    # Bob has the same card, from the bot.
    await switch(page, "Bob", "Bot")
    await expect(messages).to_contain_text("Approval needed: restart", timeout=15_000)
    await page.get_by_test_id("card-button").filter(has_text="Approve").click()
    await expect(messages).to_contain_text("restart: done", timeout=15_000)
    await expect(page.get_by_test_id("card-button")).to_have_count(0)

    # Alice reads the result; her card has nothing left to click.
    await switch(page, "Alice", "Bot")
    await expect(messages).to_contain_text("web was restarted (restarts so far: 1).", timeout=15_000)
    await expect(messages).to_contain_text("restart: done")
    await expect(page.get_by_test_id("card-button")).to_have_count(0)
    assert problems == []
    await context.close()
    assert await bot.stop() == 0
