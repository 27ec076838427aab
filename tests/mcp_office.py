"""An MCP server made with the official SDK: in this process, behind a real port; or as a program of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations

READ_ONLY = ToolAnnotations(readOnlyHint=True)


def made(ledger: Path, gate: asyncio.Event | None = None) -> MCPServer:
    """Four tools. What has an effect leaves a line in the ledger.

    Parameters:
        gate: what `slow` waits for, for ever without one.
    """
    server = MCPServer("office", log_level="CRITICAL")

    @server.tool(annotations=READ_ONLY)
    async def look(what: str, times: int = 1) -> str:
        """Look something up."""
        return f"{what} is fine. " * times

    @server.tool()
    async def write(text: str, copies: int = 1) -> str:
        """Write a line."""
        with ledger.open("a") as file:
            file.write(f"{text}\n" * copies)
            file.flush()
            os.fsync(file.fileno())
        return f"wrote {text}"

    @server.tool()
    async def fail() -> str:
        """Fail."""
        raise ValueError("no paper")

    @server.tool()
    async def slow(ctx: Context) -> str:
        """Take long."""
        with ledger.open("a") as file:
            file.write("slow\n")
        await (gate or asyncio.Event()).wait()
        return "at last"

    return server


@contextlib.asynccontextmanager
async def served(server: MCPServer) -> AsyncIterator[str]:
    """Its URL, over streamable HTTP."""
    config = uvicorn.Config(
        server.streamable_http_app(), port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=1
    )
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve())
    while not web.started:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0)
    port = web.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        web.should_exit = True
        await serving


if __name__ == "__main__":
    made(Path(os.environ["LEDGER"])).run()
