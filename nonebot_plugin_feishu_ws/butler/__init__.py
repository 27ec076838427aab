"""The Butler: answers what is addressed to the bot.

`tool` registers a function of yours with the Butler of this process; `use` seats a `Brain` of your own.
"""

from .arguments import UnbalancedQuotes, UsageError, bind, split_words
from .brains import Brains
from .builtin import install_builtin
from .butler import Butler
from .commands import CommandsBrain
from .conversations import Conversations, Place
from .history import Histories
from .inputs import Attachment, inputs_of
from .matcher import install, taken
from .reply import Voice, say
from .stops import Stops
from .tools import Tool, ToolDefinitionError, ToolRegistry
from .turn import Brain, Merging, Remembering, Standing, Turn

tools = ToolRegistry()
"""The tools of this process. Plugins register theirs while they load, as NoneBot's matchers do."""

tool = tools.tool

brains = Brains()
"""Where a plugin seats a brain of its own."""

use = brains.use

__all__ = [
    "Attachment",
    "Brain",
    "Brains",
    "Butler",
    "CommandsBrain",
    "Conversations",
    "Histories",
    "Merging",
    "Place",
    "Remembering",
    "Standing",
    "Stops",
    "Tool",
    "ToolDefinitionError",
    "ToolRegistry",
    "Turn",
    "UnbalancedQuotes",
    "UsageError",
    "Voice",
    "bind",
    "brains",
    "inputs_of",
    "install",
    "install_builtin",
    "say",
    "split_words",
    "taken",
    "tool",
    "tools",
    "use",
]
