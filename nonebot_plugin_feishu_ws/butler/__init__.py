"""The Butler: answers what is addressed to the bot.

`tool` registers a function of yours with the Butler of this process; `Brain` is the protocol for a brain of your own.
"""

from .arguments import UnbalancedQuotes, UsageError, bind, split_words
from .butler import Butler
from .commands import CommandsBrain
from .conversations import Conversations
from .matcher import install, taken
from .reply import say
from .tools import Tool, ToolDefinitionError, ToolRegistry
from .turn import Brain, Turn

tools = ToolRegistry()
"""The tools of this process. Plugins register theirs while they load, as NoneBot's matchers do."""

tool = tools.tool

__all__ = [
    "Brain",
    "Butler",
    "CommandsBrain",
    "Conversations",
    "Tool",
    "ToolDefinitionError",
    "ToolRegistry",
    "Turn",
    "UnbalancedQuotes",
    "UsageError",
    "bind",
    "install",
    "say",
    "split_words",
    "taken",
    "tool",
    "tools",
]
