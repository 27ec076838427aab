"""The pictures in the documentation show the console as it is. With UPDATE_SCREENSHOTS=1 they are made anew."""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nonebot.matcher import Matcher, MatcherSource
from nonebot.rule import startswith
from playwright.async_api import expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SMALL = 250_000  # bytes
SOON = 20_000  # milliseconds
DESK = {"width": 1180, "height": 720}
PHONE = {"width": 390, "height": 780}


@pytest.fixture
def weather() -> Iterator[None]:
    """A plugin that answers."""

    async def answer(matcher: Matcher) -> None:
        await matcher.finish("Shenzhen: 18 to 26 °C")

    matcher = Matcher.new(
        "message",
        startswith("!weather"),
        handlers=[answer],
        block=True,
        source=MatcherSource(plugin_id="weather"),
    )
    yield
    matcher.destroy()


async def test_pictures(
    window: Callable[..., Awaitable[Any]], site: Any, weather: None, tmp_path: Path
) -> None:
    world = site.sandbox.world
    _, butler = await site.enabled("butler", prefix_command="!")
    _, ops = await site.enabled("ops", approvers="ou_admin")
    await site.connector("reports", verified=True)
    await site.connector("hr-helper")
    alice = world.add_user("Alice")
    message = await world.say(alice, world.direct_chat(alice, butler), "!weather Shenzhen")
    await world.wait_for(lambda answer: answer.sender is butler, timeout=20)
    for app in (butler, ops):
        await site.asked(
            app, tool="restart", arguments='{"force":false,"service":"billing"}', by=alice.open_id(app)
        )
    one = await window(viewport=DESK)
    chinese = await window(viewport=DESK, locale="zh-CN", color_scheme="dark")
    phone = await window("root", origin="shell", viewport=PHONE, color_scheme="dark", device_scale_factor=2)

    async def shot(window: Any, name: str, path: str, wait: str) -> None:
        await window.go(path)
        await expect(window.page.locator(wait).first).to_be_visible(timeout=SOON)
        await window.page.screenshot(path=tmp_path / name, animations="disabled")
        assert (tmp_path / name).stat().st_size < SMALL
        assert (IMAGES / name).stat().st_size < SMALL
        if os.environ.get("UPDATE_SCREENSHOTS"):
            (IMAGES / name).write_bytes((tmp_path / name).read_bytes())

    await shot(one, "console.png", "/connectors", "#card-ops .state-connected")
    await shot(chinese, "console-zh.png", "/connectors", "#card-ops .state-connected")
    await shot(one, "console-trace.png", f"/trace?message={message.message_id}", ".step:nth-child(4)")
    await shot(phone, "console-phone.png", "/approvals", ".edge-pending")
