"""A local Feishu: the platform's REST, long connections and chat page, for tests and laptops.

``async with Sandbox() as feishu:`` starts one; ``feishu.world`` is the company, ``feishu.faults`` what goes
wrong, ``feishu.hub`` the long connections. ``python -m feishu_sandbox`` runs it alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import (
        ApiFault,
        BootstrapFault,
        Drop,
        FaultError,
        Faults,
        FragmentFault,
        GreetFault,
        HandshakeFault,
        InvalidateTokens,
        PongFault,
        PushFault,
        RequestFault,
        SendRaw,
        SilenceFault,
    )
    from .longconn import Ack, Connection, Delivery, Frame, Hub
    from .posts import RequestUrlError
    from .rules import ClientConfig, Rules
    from .sandbox import Sandbox
    from .welcome import populate
    from .world import (
        App,
        Change,
        ChangeKind,
        Chat,
        ClickError,
        ClickResult,
        Mention,
        Message,
        Reaction,
        Subscription,
        User,
        World,
    )

__all__ = [
    "Ack",
    "ApiFault",
    "App",
    "BootstrapFault",
    "Change",
    "ChangeKind",
    "Chat",
    "ClickError",
    "ClickResult",
    "ClientConfig",
    "Connection",
    "Delivery",
    "Drop",
    "FaultError",
    "Faults",
    "FragmentFault",
    "Frame",
    "GreetFault",
    "HandshakeFault",
    "Hub",
    "InvalidateTokens",
    "Mention",
    "Message",
    "PongFault",
    "PushFault",
    "Reaction",
    "RequestFault",
    "RequestUrlError",
    "Rules",
    "Sandbox",
    "SendRaw",
    "SilenceFault",
    "Subscription",
    "User",
    "World",
    "populate",
]

_HOMES = {
    "faults": (
        "ApiFault",
        "BootstrapFault",
        "Drop",
        "FaultError",
        "Faults",
        "FragmentFault",
        "GreetFault",
        "HandshakeFault",
        "InvalidateTokens",
        "PongFault",
        "PushFault",
        "RequestFault",
        "SendRaw",
        "SilenceFault",
    ),
    "longconn": ("Ack", "Connection", "Delivery", "Frame", "Hub"),
    "posts": ("RequestUrlError",),
    "rules": ("ClientConfig", "Rules"),
    "sandbox": ("Sandbox",),
    "welcome": ("populate",),
    "world": (
        "App",
        "Change",
        "ChangeKind",
        "Chat",
        "ClickError",
        "ClickResult",
        "Mention",
        "Message",
        "Reaction",
        "Subscription",
        "User",
        "World",
    ),
}


def __getattr__(name: str) -> object:
    """Import on first use: pytest imports this package in every run, for its fixture's sake."""
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f".{home}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
