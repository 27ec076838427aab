"""An MCP server: what is in the cupboard may be looked up at once; to take something needs approval."""

import json
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

office = MCPServer("cupboard")
STOCK = Path(__file__).with_name("stock.json")


@office.tool(annotations=ToolAnnotations(read_only_hint=True))
async def stock() -> dict[str, int]:
    """Say how much there is of everything."""
    return json.loads(STOCK.read_text())


@office.tool()
async def take(item: str, amount: int = 1) -> str:
    """Take something out."""
    left = await stock()
    if left.get(item, 0) < amount:
        raise ValueError(f"there is not enough of {item}")
    left[item] -= amount
    STOCK.write_text(json.dumps(left))
    return f"took {amount}, {left[item]} left"


if __name__ == "__main__":
    office.run()
