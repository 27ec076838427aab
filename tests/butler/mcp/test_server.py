"""One server: connected to, used, lost, found again; real ones of the official SDK, and some that nobody wants."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp.types import ToolAnnotations
from mcp_office import made, served

from nonebot_plugin_feishu_ws.butler import ToolRegistry
from nonebot_plugin_feishu_ws.butler.mcp import Server
from nonebot_plugin_feishu_ws.butler.tool import ToolError
from nonebot_plugin_feishu_ws.mcp_servers import McpServer

Connect = Callable[..., Awaitable[Server]]
TURN: Any = None


def settings(**fields: Any) -> McpServer:
    return McpServer(**fields)


def hasty(made: McpServer, timeout: float = 0.3) -> McpServer:
    """With less patience than anybody may set."""
    return made.model_copy(update={"timeout": timeout})


async def call(server: Server, name: str, **arguments: Any) -> Any:
    tool = server.find(name)
    assert tool is not None
    return await tool.run(TURN, arguments)


def lines(ledger: Path) -> list[str]:
    return ledger.read_text().split()


async def offers(server: Server, *names: str) -> None:
    """Wait until it offers these and no others."""
    async with asyncio.timeout(20):
        while {tool.name for tool in server.offered()} != set(names):  # noqa: ASYNC110 - nobody signals that
            await asyncio.sleep(0)


ALL = ("office_look", "office_write", "office_fail", "office_slow")


async def test_its_tools(office: Server, ledger: Path) -> None:
    """What is marked as read-only needs no approval, everything else does; what comes back is text."""
    tools = {tool.name: tool for tool in office.offered()}
    assert tuple(tools) == ALL
    assert [name for name, tool in tools.items() if not tool.terms.requires_approval] == ["office_look"]
    assert tools["office_look"].usage == "office_look <what> [times]"
    assert (
        tools["office_look"].summary
        == "Tool look of the MCP server office. It says of itself: Look something up."
    )
    assert tools["office_look"].spoken("zh_CN").summary.startswith("MCP 服务器 office 的工具 look")
    assert await call(office, "office_look", what="web") == "web is fine. "
    assert await call(office, "office_write", text="hello") == "wrote hello"
    assert lines(ledger) == ["hello"]
    with pytest.raises(ToolError) as failed:
        await call(office, "office_fail")
    assert (failed.value.reason, failed.value.unknown) == ("said", False)
    assert "Error executing tool fail" in failed.value.said
    assert len(await call(office, "office_look", what="x" * 1000, times=1000)) == 100_001


async def test_its_settings(connect: Connect, program: dict[str, Any]) -> None:
    """Which tools there are, and which of them need nobody's approval, the operator can say."""
    server = await connect(
        settings(**program, allow=["look", "write"], read_only=["write"], approvers=["ou_bob"])
    )
    terms = {tool.name: tool.terms for tool in server.offered()}
    assert set(terms) == {"office_look", "office_write"}
    assert (terms["office_look"].requires_approval, terms["office_look"].approvers) == (True, ("ou_bob",))
    assert (terms["office_write"].requires_approval, terms["office_write"].approvers) == (False, None)


async def test_too_slow(connect: Connect, ledger: Path) -> None:
    """After its time nobody knows how far it came; the server is used on."""
    async with served(made(ledger)) as url:
        server = await connect(hasty(settings(url=url), 2))
        with pytest.raises(ToolError) as late:
            await call(server, "office_slow")
        assert (late.value.reason, late.value.unknown) == ("timeout", True)
        assert await call(server, "office_look", what="web") == "web is fine. "
        assert lines(ledger) == ["slow"]
        await server.stop()


async def test_a_program_that_dies(connect: Connect, program: dict[str, Any], ledger: Path) -> None:
    """In the middle of a call: nobody knows; and it is started again."""
    before = children()
    server = await connect(settings(**program))
    calling = asyncio.create_task(call(server, "office_slow"))
    async with asyncio.timeout(20):
        while not lines(ledger):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0)
    [pid] = children() - before
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ToolError) as broken:
        await calling
    assert (broken.value.reason, broken.value.unknown) == ("broken", True)
    await offers(server)
    await offers(server, *ALL)
    assert await call(server, "office_look", what="web") == "web is fine. "
    assert lines(ledger) == ["slow"]


async def test_its_list_changes(connect: Connect, ledger: Path) -> None:
    """What it says has changed is looked at; what it does not say is, before something that was approved is run."""
    office = made(ledger)

    @office.tool()
    async def grow(ctx: Any) -> str:
        return "unused"

    async def later() -> str:
        """Come later."""
        return "here"

    async def write(text: str, everywhere: bool = True) -> str:
        """Write a line."""
        return "worse"

    async with served(office) as url:
        server = await connect(settings(url=url))
        office.add_tool(later, annotations=ToolAnnotations(readOnlyHint=True))
        await office._subscriptions.publish(_changed())
        await offers(server, *ALL, "office_grow", "office_later")
        office.remove_tool("later")  # now for certain somebody listens
        await office._subscriptions.publish(_changed())
        await offers(server, *ALL, "office_grow")
        asked = server.find("office_write")
        assert asked is not None
        office.remove_tool("write")
        office.add_tool(write)
        with pytest.raises(ToolError) as changed:
            await asked.run(TURN, {"text": "hello"})
        assert (changed.value.reason, changed.value.unknown) == ("tool", False)
        assert lines(ledger) == []
        assert await call(server, "office_write", text="hello") == "worse"
        await server.stop()


def _changed() -> Any:
    from mcp.shared.subscriptions import ToolsListChanged

    return ToolsListChanged()


async def test_ours_come_first(office: Server) -> None:
    """Nothing of a server takes the place of what is defined here, and it is gone with the server."""
    registry = ToolRegistry()
    registry.join(office)

    @registry.tool("office_look")
    async def look(what: str) -> str:
        return "ours"

    own = registry.get("office_look")
    assert own is not None
    assert own.function is look
    assert [tool for tool in registry if tool.name == "office_look"] == [own]
    assert registry.get("office_write") is not None
    registry.part(office)
    assert [tool.name for tool in registry] == ["office_look"]


# --- servers that nobody wants --------------------------------------------------------------------------------------

Answer = Callable[[dict[str, Any]], Any]
TOOL = {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}


@asynccontextmanager
async def raw(answer: Answer, seen: list[str] | None = None) -> AsyncIterator[str]:
    """A server that says to each request whatever it likes; of an older protocol."""

    async def post(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if seen is not None:
            seen.append(request.headers["Authorization"])
        if asked["method"] == "initialize":
            about = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "x", "version": "1"},
            }
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": about})
        if "id" not in asked:
            return web.Response(status=202)
        if asked["method"] == "server/discover":
            return web.Response(status=404)
        result = answer(asked)
        result = await result if asyncio.iscoroutine(result) else result
        if isinstance(result, web.StreamResponse):
            return result
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    app = web.Application()
    app.router.add_post("/mcp", post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    finally:
        await runner.cleanup()


async def test_a_huge_answer(connect: Connect) -> None:
    """It is not read to its end."""

    def answer(asked: dict[str, Any]) -> Any:
        if asked["method"] == "tools/list":
            return {"tools": [TOOL]}
        return {"content": [{"type": "text", "text": "x" * 5_000_000}]}

    async with raw(answer) as url:
        server = await connect(settings(url=url))
        with pytest.raises(ToolError) as broken:
            await call(server, "office_look")
        assert (broken.value.reason, broken.value.unknown) == ("broken", True)
        await server.stop()


async def test_a_huge_line(connect: Connect, tmp_path: Path) -> None:
    """The same of a program; it is not connected then."""
    script = tmp_path / "huge.py"
    script.write_text("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    before = children()
    server = await connect(settings(command=sys.executable, args=[str(script)]))
    assert not list(server.offered())
    await server.stop()
    assert not children() - before


async def test_answers_that_are_none(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it is, the call has failed and the server is used on. What it says is not in the log."""
    replies = iter(
        [
            web.json_response({"canary": "JSON-RPC"}),
            web.Response(status=502, text="canary"),
            web.Response(text="canary"),
            {"content": [{"type": "canary"}]},
            web.Response(status=302, headers={"Location": "http://127.0.0.1:9/canary"}),
            web.Response(
                body=b"\x1f\x8b", headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
            ),
            {"content": [{"type": "text", "text": "fine"}]},
        ]
    )

    def answer(asked: dict[str, Any]) -> Any:
        return {"tools": [TOOL]} if asked["method"] == "tools/list" else next(replies)

    async with raw(answer) as url:
        server = await connect(settings(url=url))
        for _ in range(6):
            await offers(server, "office_look")
            with pytest.raises(ToolError) as broken:
                await call(server, "office_look")
            assert broken.value.unknown
        await offers(server, "office_look")
        assert await call(server, "office_look") == "fine"
        await server.stop()
    assert "MCP server office, tool 'look': " in caplog.text
    assert "canary" not in caplog.text


async def test_a_server_that_hangs(connect: Connect) -> None:
    """Nobody waits for it longer than its time; what was connected is offered no more when it hangs."""
    hanging = asyncio.Event()
    lists = 0

    async def answer(asked: dict[str, Any]) -> Any:
        nonlocal lists
        lists += 1
        if lists > 1:
            await hanging.wait()
        return {"tools": [TOOL]}

    async with raw(answer) as url:
        server = await connect(hasty(settings(url=url), 1), look_every=0.05)
        await offers(server, "office_look")
        await offers(server)
        with pytest.raises(ToolError) as away:
            await call(server, "office_look")
        assert (away.value.reason, away.value.unknown) == ("away", False)
        hanging.set()
        await offers(server, "office_look")
        await server.stop()


async def test_not_there(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once how; secrets are not."""
    for fields in (
        {"url": "http://127.0.0.1:9/mcp?key=canary", "headers": {"Authorization": "canary"}},
        {"command": "no-such-program-anywhere", "args": ["canary"], "env": {"KEY": "canary"}},
    ):
        server = await connect(settings(**fields))
        assert not list(server.offered())
        assert "canary" not in repr(server._settings)
        await server.stop()
    assert "MCP server office is not connected" in caplog.text
    assert "canary" not in caplog.text


async def test_headers_are_sent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """And on this machine to nobody but the server, whatever proxy there is."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    seen: list[str] = []

    def answer(asked: dict[str, Any]) -> Any:
        return {"tools": [TOOL]}

    async with raw(answer, seen) as url:
        server = await connect(settings(url=url, headers={"Authorization": "Bearer canary"}))
        assert list(server.offered())
        assert set(seen) == {"Bearer canary"}
        await server.stop()


async def test_a_program_that_ends_at_once(
    connect: Connect, program: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is started again after a while, not as often as it likes to end."""
    script = tmp_path / "short.py"
    script.write_text(f"open({str(tmp_path / 'starts')!r}, 'a').write('x')")
    await connect(settings(command=sys.executable, args=[str(script)]), wait_first=60.0)
    await connect(settings(**program))
    assert (tmp_path / "starts").read_text() == "x"
    assert caplog.text.count("is not connected") == 1


NAGGING = """
import json, sys
asked = 0
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "initialize":
        about = {"name": "x", "version": "1"}
        answer["result"] = {
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": about
        }
    elif message["method"] == "tools/list":
        asked += 1
        tools = [{"name": f"tool{asked}", "inputSchema": {"type": "object"}}]
        answer["result"] = {"tools": tools}
    else:
        answer["error"] = {"code": -32601, "message": "what?"}
    print(json.dumps(answer), flush=True)
    if message["method"] == "tools/list":
        print("a line that is no message")
        for _ in range(50):
            print(json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}), flush=True)
"""


async def test_a_server_that_says_all_the_time_that_it_has_changed(connect: Connect, tmp_path: Path) -> None:
    """As servers of older protocols do say it. It is looked at, and left alone in between."""
    script = tmp_path / "nagging.py"
    script.write_text(NAGGING)
    begun = asyncio.get_running_loop().time()
    server = await connect(settings(command=sys.executable, args=[str(script)]), calm=0.1)
    await offers(server, "office_tool5")
    assert asyncio.get_running_loop().time() - begun > 0.4
    with pytest.raises(ToolError) as gone:
        await call(server, "office_tool5")
    assert gone.value.reason == "tool"
    await server.stop()


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
while True:
    time.sleep(600)
"""


async def test_a_program_that_will_not_end(connect: Connect, tmp_path: Path) -> None:
    """It is ended, with whatever it has started; nothing is left of it."""
    script = tmp_path / "stubborn.py"
    script.write_text(f"import os\nos.chdir({str(tmp_path)!r})\n{STUBBORN}")
    server = Server("office", settings(command=sys.executable, args=[str(script)]))
    server.start()
    async with asyncio.timeout(20):
        while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0)
    await server.stop()
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        async with asyncio.timeout(20):
            while _runs(pid):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0)


@pytest.mark.parametrize("steps", range(1, 6))
def test_stopped_while_its_program_is_being_started(steps: int, tmp_path: Path) -> None:
    """Nothing is left of it then either. On a busy machine that moment may be long enough for it to start others."""
    script = 'sleep 600 & echo "$$ $!" > pids.new; mv pids.new pids; wait'
    command = f"cd {tmp_path}; {script}"

    async def main() -> None:
        server = Server("office", settings(command="/bin/sh", args=["-c", command]))
        server.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        if children() - before:
            while not (tmp_path / "pids").exists():
                time.sleep(0.01)  # noqa: ASYNC251 - the loop stands still, as where there is no CPU for it
        await server.stop()

    before = children()
    asyncio.run(main())
    if (tmp_path / "pids").exists():
        for pid in map(int, (tmp_path / "pids").read_text().split()):
            deadline = time.monotonic() + 20
            while _runs(pid):
                assert time.monotonic() < deadline, "it is still there"
                time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def children() -> set[int]:
    """Processes of ours, of other tests' too."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in found.split()}
