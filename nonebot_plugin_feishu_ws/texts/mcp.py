"""How tools of MCP servers are introduced to people, and to the model."""

from .language import Spoken


class McpTexts(Spoken):
    """The texts in one language."""

    def summary(self, server: str, tool: str, words: str) -> str:
        """One line. What the server says itself is marked as such.

        Parameters:
            words: the server's; may be empty.
        """
        head = self._in(f"MCP 服务器 {server} 的工具 {tool}", f"Tool {tool} of the MCP server {server}")
        return f"{head}{self._in('，它自称：', '. It says of itself: ')}{words}" if words else head
