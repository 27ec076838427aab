"""Where people find the console, by settings and driver; and the link a shell prints."""

from types import SimpleNamespace
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.console import opens_here_alone
from nonebot_plugin_feishu_ws.console.address import address_of


def driver(kind: str = "fastapi", host: str = "127.0.0.1") -> Any:
    return SimpleNamespace(type=kind, config=SimpleNamespace(host=host, port=8080))


@pytest.mark.parametrize(
    ("settings", "driver", "address", "alone"),
    [
        ({}, driver(), "http://127.0.0.1:8080", True),
        ({}, driver("fastapi+httpx", "192.168.1.7"), "http://192.168.1.7:8080", False),
        ({}, driver(host="0.0.0.0"), "http://127.0.0.1:8080", True),
        ({}, driver(host="::"), "http://127.0.0.1:8080", True),
        ({}, driver(host="fd00::1"), "http://[fd00::1]:8080", False),
        ({}, driver("none"), None, False),
        ({"console": False, "console_url": "https://bot.example"}, driver(), None, False),
        ({"console_url": "https://bot.example"}, driver("none"), "https://bot.example", False),
        ({"console_url": "http://localhost:81/"}, driver(), "http://localhost:81", True),
    ],
)
def test_where_it_is(settings: Any, driver: Any, address: str | None, alone: bool) -> None:
    assert address_of(Settings.model_validate(settings), driver) == address
    assert address is None or opens_here_alone(address) is alone


@pytest.mark.parametrize(
    "url",
    [
        "bot.example",
        "ftp://bot.example",
        "https://",
        "https://user@bot.example",
        "https://bot.example/path",
        "https://a?b",
    ],
)
def test_what_it_cannot_be(url: str) -> None:
    with pytest.raises(ValueError, match=r"use the beginning of a URL, such as https://bot\.example\.com"):
        Settings.model_validate({"console_url": url})


async def test_a_shell_prints_a_link(site: Any) -> None:
    """Its user may do everything."""
    from nonebot_plugin_feishu_ws.commands import Desk, perform
    from nonebot_plugin_feishu_ws.connectors import Actor
    from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts

    async def says(origin: Any) -> Any:
        actor = Actor("operator", origin, superuser=True)
        return await perform(Desk(management, actor, ConnectorTexts("en_US"), "feishu-ws"), "console")

    management = site.runtime.management
    answer = await says("shell")
    base, _, code = answer.data["url"].partition("/feishu/console/sign-in#")
    assert base == management.console_url
    assert answer.data["url"] in answer.text
    person = site.stranger()
    assert (await person.send("POST", "/sign-in", {"link": code})).status == 303
    page = await person.get("/account")
    assert "operator" in page.text
    assert "a link from a shell" in page.text
    assert (await person.get("/add")).status == 200
    assert (await says("chat")).failed
    management.console_url = None
    assert (await says("shell")).data == {"error": "NoConsole"}
