"""Boundaries in the bot at which its process can be killed: our functions, wrapped where a step is over.

Whoever renames one of them hears of it here, when the bot starts.
"""

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

from crash.ledger import Ledger

SEAMS = (
    "received",  # a frame was read, nothing is done
    "committed",  # the event is in the database, Feishu does not know
    "acked",  # Feishu knows
    "claimed",  # the matchers are about to run
    "started",  # inside a handler
    "completed",  # a handler has done its work, and not answered
    "handled",  # the matchers are done, the database does not know
    "ended",  # the database knows
    "queued",  # a reply is in the database, Feishu has not seen it
    "sending",  # a reply is about to be sent
    "sent",  # Feishu has it, the database does not know
)


class Crash:
    """Kills this process at the n-th passage of a boundary.

    Args:
        at: The boundary, and how many passages it takes: `acked:3`. Empty: never.
        ledger: Where the death is noted.
    """

    def __init__(self, at: str, ledger: Ledger) -> None:
        self._seam, _, count = at.partition(":")
        self._left = int(count or 0)
        self._ledger = ledger

    def passes(self, seam: str) -> None:
        """A boundary is passed."""
        if seam == self._seam:
            self._left -= 1
            if self._left == 0:
                self._ledger.write("killed", seam)
                os.kill(os.getpid(), signal.SIGKILL)


def install(crash: Crash, ledger: Ledger) -> None:
    """Wrap our functions. After the plugin was loaded, before the bot runs."""
    from nonebot_plugin_feishu_ws.adapter import Bot
    from nonebot_plugin_feishu_ws.delivery.events import EventStore
    from nonebot_plugin_feishu_ws.delivery.inbox import Inbox
    from nonebot_plugin_feishu_ws.delivery.outbox import Outbox
    from nonebot_plugin_feishu_ws.gateway.link import Link
    from nonebot_plugin_feishu_ws.openapi.caller import Caller

    def at(seam: str) -> Callable[..., None]:
        return lambda *_: crash.passes(seam)

    def if_message(seam: str) -> Callable[..., None]:
        def look(_: object, request: Any) -> None:
            if request.method == "POST" and "im/v1/messages" in request.path:
                crash.passes(seam)

        return look

    def ended(_: object, endings: Any) -> None:
        for ending in endings:
            ledger.write("ended", ending.row_id)
        crash.passes("ended")

    _wrap(Link, "_serve", before=at("received"), after=at("acked"))
    _wrap(Inbox, "accept", after=at("committed"))
    _wrap(Bot, "run", before=at("claimed"), after=at("handled"))
    _wrap(EventStore, "end", after=ended)
    _wrap(Outbox, "post", after=at("queued"))
    _wrap(Caller, "json", before=if_message("sending"), after=if_message("sent"))


def _wrap(
    owner: type,
    name: str,
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(*args)
        result = await original(*args, **kwargs)
        if after is not None:
            after(*args)
        return result

    setattr(owner, name, wrapped)
