"""`/feishu console`: a link for whoever asks, and for nobody else (faults.md: Console)."""

from typing import Any

import pytest

from nonebot_plugin_feishu_ws.console.auth.sessions import Identity, Sessions
from nonebot_plugin_feishu_ws.storage import SessionOrigin

URL = "https://bot.example/feishu/console/sign-in#"


@pytest.fixture
def served(town: Any) -> Any:
    """There is a console."""
    town.bot.runtime.management.console_url = "https://bot.example"
    return town


async def link_in(town: Any, user: Any) -> str:
    """The link that came to somebody's direct chat."""
    message = await town.world.wait_for(
        lambda one: one.sender is town.app and one.chat is town.direct(user) and URL in town.read(one),
        timeout=10,
    )
    return town.read(message).split(URL)[1].split()[0]


async def whose(town: Any, code: str) -> Identity | None:
    management = town.bot.runtime.management
    opened = await Sessions(management.database, management.clock).redeem(code)
    return opened[1] if opened else None


async def test_in_a_group_the_link_goes_to_whoever_asks(
    served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The group reads that it was sent, and neither the group nor the log reads the link."""
    said = await served.told(served.root, "@desk /feishu console", served.group)
    assert said == "I have sent you the link in our direct chat."
    code = await link_in(served, served.root)
    assert not [
        one for one in served.world.messages.values() if one.chat is served.group and code in served.read(one)
    ]
    assert code not in caplog.text
    open_id = served.root.open_id(served.app)
    assert await whose(served, code) == Identity(SessionOrigin.CHAT, open_id, served.app.app_id)
    assert await whose(served, code) is None


async def test_in_a_direct_chat(served: Any, owned: Any) -> None:
    """Owners get one, too; strangers are turned away, and that is noted."""
    await owned("theirs", served.owner)
    await served.ask(served.owner, "/飞书 console")
    identity = await whose(served, await link_in(served, served.owner))
    assert identity is not None
    assert identity.who == served.owner.open_id(served.app)
    assert await served.told(served.other, "/feishu console") == "You may not do this."
    assert [entry.detail["verb"] for entry in await served.denials()] == ["console"]


async def test_without_a_console(town: Any) -> None:
    assert "DRIVER=~fastapi" in await town.told(town.root, "/feishu console")
