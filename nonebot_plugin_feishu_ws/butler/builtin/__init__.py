"""The tools the Butler brings along. A plugin's own tool of the same name takes the place of one of them."""

from ...texts.builtin import BuiltinTexts
from ..tools import Terms, ToolFunction, ToolRegistry
from .connecting import disable_connector, enable_connector
from .looking import connectors, members, now
from .rights import manages_any, manages_this
from .searching import search
from .sending import send_to_chat

_HARMLESS = Terms()
_MANAGING = Terms(requires_approval=True, allow=manages_any)
_SPEAKING = Terms(requires_approval=True, allow=manages_this)

_TOOLS: tuple[tuple[str, ToolFunction, Terms], ...] = (
    ("connectors", connectors, _HARMLESS),
    ("now", now, _HARMLESS),
    ("members", members, _HARMLESS),
    ("search", search, _HARMLESS),
    ("enable-connector", enable_connector, _MANAGING),
    ("disable-connector", disable_connector, _MANAGING),
    ("send-to-chat", send_to_chat, _SPEAKING),
)


def install_builtin(registry: ToolRegistry) -> None:
    """Register them. Again changes nothing."""
    for name, function, terms in _TOOLS:
        registry.built_in(name, function, terms, lambda locale, name=name: BuiltinTexts(locale).doc(name))


__all__ = ["install_builtin"]
