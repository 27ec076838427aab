"""Tools of MCP servers. Imported only where the settings name one: it needs the extra `mcp`."""

from .server import Server

__all__ = ["Server"]
