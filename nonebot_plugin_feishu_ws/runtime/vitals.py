"""How this process is doing: what metrics and health are read from, and whether it can do its work."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..connectors import Supervisor
from ..delivery import Inbox, Lease, Outbox
from ..gateway import State
from .keeper import Keeper
from .management import Management
from .room import Room
from .tally import Tally
from .watchdog import Watchdog

if TYPE_CHECKING:
    from ..butler.llm import Use

_REMEMBERED = 60.0  # seconds: Feishu pushes what was refused again after 15, so that by then it is known anew
_LEAST_FREE = 16 * 1024 * 1024  # bytes on the disk of an SQLite file


@dataclass(frozen=True, slots=True)
class Health:
    """Whether this process can do its work.

    Attributes:
        reasons: What is wrong, by what it concerns, in words of ours; what others had to say of it is in the log.
        disconnected: Connectors that should be connected and are not, by name, with their states.
        ready: It can: without reasons, and with at least one of its connectors connected, if it has any.
    """

    reasons: Mapping[str, str]
    disconnected: Mapping[str, str]
    ready: bool


@dataclass(frozen=True, slots=True)
class Vitals:
    """The parts of a runtime that know how they are doing. Reading them costs nothing while nobody does."""

    tally: Tally
    room: Room
    inbox: Inbox
    outbox: Outbox
    lease: Lease
    supervisor: Supervisor
    keeper: Keeper
    watchdog: Watchdog
    management: Management
    use: "Use | None"
    """Of the model, where there is one."""

    def metrics(self) -> Callable[[], bytes]:
        """What tells them, in Prometheus' text format."""
        from .metrics import Metrics  # takes a while to import

        return Metrics(self).text

    def health(self) -> Health:
        """Whether this process can do its work now. Asks nobody, so that it is answered at once."""
        reasons: dict[str, str] = {}
        if self.lease.trouble is not None:
            reasons["database"] = "it cannot be used, or others have taken this process for dead"
        if not self.inbox.alive:
            reasons["inbox"] = "events are not taken"
        elif self._refused():
            reasons["inbox"] = "events are refused"
        if self._disk_full():
            reasons["disk"] = "it is full"
        wanted = {spec.app_id: spec.name for spec in self.keeper.wanted}
        states = {app_id: self._state(app_id) for app_id in wanted}
        off = {wanted[app_id]: state for app_id, state in states.items() if state != State.CONNECTED}
        all_off = bool(wanted) and len(off) == len(wanted)
        return Health(reasons, off, not reasons and not all_off)

    def _state(self, app_id: str) -> str:
        link = self.supervisor.get(app_id)
        return State.DISCONNECTED if link is None else link.status.state

    def _refused(self) -> bool:
        """Whether they were a moment ago; what was refused long ago says nothing of now."""
        at = self.inbox.refused_at
        return at is not None and asyncio.get_running_loop().time() - at < _REMEMBERED

    def _disk_full(self) -> bool:
        path = self.management.database.path
        with contextlib.suppress(OSError):
            return path is not None and shutil.disk_usage(path.parent).free < _LEAST_FREE
        return False
