"""The web console of a bot in its own process, from the chat that opens it to the stop that ends it."""

import re
import signal
import socket
from typing import Any

from playwright.async_api import Browser, expect

from feishu_sandbox import Sandbox

SOON = 20_000  # milliseconds


async def test_from_a_chat_to_the_console(chromium: Browser, start_bot: Any, feishu_sandbox: Sandbox) -> None:
    """The link comes in the direct chat; what is pressed there happens; an open page does not keep the bot from
    stopping; no log has the link, the secret or the cookie.
    """
    world = feishu_sandbox.world
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bot = await start_bot(
        DRIVER="~fastapi",
        PORT=str(port),
        LOG_LEVEL="TRACE",
        SUPERUSERS=f'["{alice.open_id(app)}"]',
        FEISHU_WS__URL=feishu_sandbox.url,
        FEISHU_WS__LOCALE="en_US",
        FEISHU_WS__CONNECTORS=(
            f'[{{"name": "butler", "app_id": "{app.app_id}", "app_secret": "{app.app_secret}"}}]'
        ),
    )
    await feishu_sandbox.hub.wait_connected(app, timeout=30)
    await world.say(alice, world.direct_chat(alice, app), "/feishu console")
    answer = await world.wait_for(
        lambda one: one.sender is app and "sign-in#" in str(one.content), timeout=20
    )
    (link,) = re.findall(rf"http://127\.0\.0\.1:{port}/feishu/console/sign-in#[\w-]+", str(answer.content))
    context = await chromium.new_context(locale="en-US")
    page = await context.new_page()
    await page.goto(link)
    assert link.partition("#")[2] not in page.url
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.locator("#card-butler .state")).to_have_text("connected", timeout=SOON)
    await page.get_by_role("button", name="Disconnect: butler").click()
    await expect(page.locator("#notice")).to_contain_text("butler is disconnected")
    await expect(page.locator("#card-butler .state")).to_have_text("disconnected", timeout=SOON)
    await page.get_by_role("button", name="Connect: butler").click()
    await expect(page.locator("#card-butler .state")).to_have_text("connected", timeout=SOON)
    (cookie,) = await context.cookies()
    assert await bot.stop() in (0, -signal.SIGTERM)  # Uvicorn ends as it was told to, when it is done
    output = "".join(bot.output)
    assert "Application shutdown complete." in output
    for secret in (link.partition("#")[2], cookie["value"], app.app_secret):
        assert secret not in output
    await context.close()
