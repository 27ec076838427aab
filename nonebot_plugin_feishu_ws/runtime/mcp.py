"""The MCP servers of one process, where the settings name any: what they need is not even imported otherwise."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..butler import ToolRegistry
from ..config import Settings, SettingsError
from ..mcp_servers import McpServer

if TYPE_CHECKING:
    from ..butler.mcp import Server

_EXTRA = ("mcp", "mcp_types", "httpx2", "jsonschema", "referencing")


class ToolServers:
    """Connects, and lends the Butler their tools.

    Args:
        settings: As loaded.
        tools: What can be called.

    Raises:
        SettingsError: What they need is not installed.
    """

    def __init__(self, settings: Settings, tools: ToolRegistry) -> None:
        self._tools = tools
        self._servers = [] if settings.butler == "off" else _servers(settings.butler_mcp)
        self._started = False

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._started = True
        for server in self._servers:
            self._tools.join(server)
            server.start()

    async def stop(self) -> None:
        """Close the connections; programs are ended."""
        if self._started:
            self._started = False
            for server in self._servers:
                self._tools.part(server)
            await asyncio.gather(*(server.stop() for server in self._servers))


def _servers(settings: Mapping[str, McpServer]) -> "list[Server]":
    if not settings:
        return []
    try:
        from ..butler.mcp import Server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise SettingsError(
            "FEISHU_WS__BUTLER_MCP needs more packages: pip install 'nonebot-plugin-feishu-ws[mcp]'"
        ) from None
    return [Server(name, server) for name, server in settings.items()]
