"""Clients nobody here wrote, each in a process of its own: they decide whether the sandbox speaks Feishu."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NODE = HERE / "node"
pytestmark = pytest.mark.timeout(240)


class Judge:
    """A running client; each of its lines is a JSON object."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while True:
            raw = await asyncio.wait_for(self._process.stdout.readline(), 60)
            assert raw, f"the client ended: {await self.complaint()}"
            with contextlib.suppress(ValueError):  # the SDKs log to stdout as well
                return json.loads(raw)

    async def complaint(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode()

    async def ended(self) -> int:
        return await asyncio.wait_for(self._process.wait(), 60)


@asynccontextmanager
async def judge(*command: str | Path) -> AsyncIterator[Judge]:
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=-1, stderr=-1, env=environment, limit=2**20
    )
    try:
        yield Judge(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def holds_a_conversation(company, client: Judge, card, toast: str) -> None:
    """It connects, pings, gets messages whole and in pieces, acknowledges, and answers a click."""
    hub, world = company.sandbox.hub, company.world
    connection = (await hub.wait_connected(company.app, timeout=120))[0]
    await hub.wait_pings(connection)

    for text in ("hello", "长" * 2000):
        said = await world.say(company.ada, company.group, text, mentions=[company.app])
        heard = await client.line()
        assert heard["message_id"] == said.message_id
        assert json.loads(heard["content"]) == said.content
        assert heard["sender"] == company.ada.open_id(company.app)
        assert heard["mentions"] == [company.app.open_id]
        event_id = hub.deliveries[-1].event_id
        delivery = await hub.wait_delivery(event_id)
        assert delivery.acks[0].code == 200
        assert "biz_rt" in delivery.acks[0].headers

    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    result = await world.click(company.ada, message_id, {"tag": "button", "value": {"go": 1}})
    assert await client.line() == {"clicked": {"go": 1}, "on": message_id}
    assert result.error is None
    assert result.toast is not None
    assert result.toast["content"] == toast
    assert world.messages[message_id].content == {"elements": [{"tag": "hr"}]}


async def test_lark_oapi_holds_a_conversation(make_company, card):
    company = await make_company(ack_timeout=20, callback_timeout=20, fragment_size=1500)
    app = company.app
    script = HERE / "judges" / "lark_ws.py"
    async with judge(sys.executable, script, company.sandbox.url, app.app_id, app.app_secret) as client:
        await holds_a_conversation(company, client, card, "from lark_oapi")


async def test_lark_oapi_calls_the_rest_api(make_company):
    company = await make_company(sends_per_second=50)
    app = company.app
    command = (
        sys.executable,
        HERE / "judges" / "lark_rest.py",
        company.sandbox.url,
        app.app_id,
        app.app_secret,
    )
    async with judge(*command, company.ada.open_id(app)) as client:
        for call in (
            "send text",
            "reply",
            "react",
            "unreact",
            "upload image",
            "upload file",
            "send image",
            "send file",
            "download",
            "send interactive",
            "patch",
            "get",
        ):
            line = await client.line()
            assert (line["call"], line["code"]) == (call, 0), line
        assert await client.ended() == 0, await client.complaint()
    assert company.world.messages_in(company.direct)[0].text == "hello"


async def test_lark_oapi_streams_a_card(make_company):
    company = await make_company()
    app = company.app
    script = HERE / "judges" / "lark_cards.py"
    command = (sys.executable, script, company.sandbox.url, app.app_id, app.app_secret)
    async with judge(*command, company.ada.open_id(app)) as client:
        calls = "create send id_convert content add patch replace delete settings batch update"
        await streams_a_card(company, client, calls.split())


async def test_the_node_sdk_streams_a_card(make_company):
    node = await installed_node_sdk()
    company = await make_company()
    app = company.app
    command = (node, NODE / "cards.js", company.sandbox.url, app.app_id, app.app_secret)
    async with judge(*command, company.ada.open_id(app)) as client:
        await streams_a_card(company, client, ["create", "send", "content", "settings", "update"])


async def streams_a_card(company, client: Judge, calls: list[str]) -> None:
    """Every one of its calls succeeds, and the chat shows what it wrote last."""
    for call in calls:
        line = await client.line()
        assert (line["call"], line["code"]) == (call, 0), line
    assert await client.ended() == 0, await client.complaint()
    shown = company.world.messages_in(company.direct)[0].content["body"]["elements"]
    assert [one["content"] for one in shown] == ["the end"]


async def test_the_node_sdk_holds_a_conversation(make_company, card):
    node = await installed_node_sdk()
    company = await make_company(ack_timeout=20, callback_timeout=20, fragment_size=1500)
    app = company.app
    async with judge(node, NODE / "judge.js", company.sandbox.url, app.app_id, app.app_secret) as client:
        await holds_a_conversation(company, client, card, "from node")


async def installed_node_sdk() -> str:
    """The node executable, the SDK installed. Without node: a failure in CI, elsewhere a skip."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        reason = "node and npm are needed for the official Node SDK"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    if not (NODE / "node_modules" / "@larksuiteoapi").is_dir():
        process = await asyncio.create_subprocess_exec(
            npm, "install", "--no-package-lock", "--no-audit", "--no-fund", cwd=NODE, stdout=-1, stderr=-2
        )
        output, _ = await asyncio.wait_for(process.communicate(), 200)
        assert process.returncode == 0, output.decode()
    return node
