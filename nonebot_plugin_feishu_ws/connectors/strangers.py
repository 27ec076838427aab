"""Looks now and then whether somebody else has connections of our apps, and says so when it begins and when it ends."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from datetime import timedelta

from ..delivery import LogAction, LogBook, LogLevel
from ..openapi import FeishuError
from ..storage import DatabaseUnavailable
from .link import Link
from .statuses import Statuses

logger = logging.getLogger("nonebot_plugin_feishu_ws.connectors")

_ANSWER_WITHIN = 10.0  # seconds
_GUARD = 0.8  # of `every`: so long after one process has looked, the others leave it


class StrangerWatch:
    """Compares, app by app, what the platform counts with what all our processes have open.

    It asks for nothing that the bot needs: what goes wrong is passed over, and counts as no look at all.

    Args:
        links: Those of this process, now.
        statuses: Says which process looks, and remembers what was seen.
        logbook: Where strangers are noted.
        every: Seconds between two looks at one app; each is put off by up to a fifth.
        after: Seconds from connecting to the first.
        gap: Seconds between two questions of this process. Feishu answers 10 a second (feishu-facts.md); of more than
            600 apps each has to wait longer than `every`, or a process at rest would do little else.
        tick: Seconds between two rounds in which it is seen what is due.
    """

    def __init__(
        self,
        links: Callable[[], Iterable[Link]],
        statuses: Statuses,
        logbook: LogBook,
        *,
        every: float = 300.0,
        after: float = 60.0,
        gap: float = 0.5,
        tick: float = 5.0,
    ) -> None:
        self._links = links
        self._statuses = statuses
        self._logbook = logbook
        self._every = every
        self._after = after
        self._gap = gap
        self._tick = tick
        self._due: dict[Link, float] = {}

    async def watch(self) -> None:
        """Look until cancelled."""
        clock = asyncio.get_running_loop().time
        async with asyncio.TaskGroup() as looks:
            while True:
                for link in self._scheduled(clock()):
                    self._due[link] = clock() + _put_off(self._every)
                    looks.create_task(self._look(link))
                    await asyncio.sleep(self._gap)
                await asyncio.sleep(self._tick)

    def _scheduled(self, now: float) -> list[Link]:
        """What is due; a link that has just connected is given its time."""
        connected = [link for link in self._links() if link.status.connections]
        self._due = {link: self._due.get(link) or now + _put_off(self._after) for link in connected}
        return [link for link, due in self._due.items() if due <= now]

    async def _look(self, link: Link) -> None:
        app_id = link.spec.app_id
        try:
            if not await self._statuses.may_look(app_id, timedelta(seconds=self._every * _GUARD)):
                return
            async with asyncio.timeout(_ANSWER_WITHIN):
                online = await link.client.online_instance_count()
            look = await self._statuses.looked(app_id, online)
        except (FeishuError, TimeoutError, DatabaseUnavailable) as error:
            logger.debug("%s: its connections cannot be counted: %s", link.spec.name, error)
            return
        except Exception:  # a defect must not end the watch
            logger.exception("%s: its connections cannot be counted", link.spec.name)
            return
        if bool(look.strangers) is bool(look.known):
            return
        if look.strangers:
            logger.warning(
                "%s: %d connection(s) of this app are not ours: they take events away",
                link.spec.name,
                look.strangers,
            )
        else:
            logger.info("%s: all connections of this app are ours again", link.spec.name)
        self._logbook.write(
            LogAction.WS_CONNECTED,
            level=LogLevel.WARNING if look.strangers else LogLevel.INFO,
            connector=app_id,
            name=link.spec.name,
            detail={"strangers": look.strangers, "online": look.count.online, "own": look.count.own},
        )


def _put_off(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.2)  # noqa: S311 - jitter, not a secret
