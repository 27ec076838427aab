"""The only writer of connectors. Chat, shell and whatever comes later call these functions and get the same errors."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..delivery import DeadLetter, LogAction, LogBook, LogLevel, LogPage, dead_letters, replay
from ..openapi import BotInfo, FeishuError
from ..storage import Database, utc_now
from .audit import Audit, Request
from .directory import Directory, unlocked
from .errors import (
    NotAllowed,
    NotEnabled,
    NotVerified,
    ReadOnly,
    VerificationFailed,
)
from .fields import concealed, shown, validated
from .record import CREDENTIALS, OF_SUPERUSERS, Actor, Connector, Source
from .spec import ConnectorSpec
from .statuses import Reported, Statuses
from .store import ConnectorStore

Verify = Callable[[ConnectorSpec], Awaitable[BotInfo]]

_FLUSH_WITHIN = 2.0  # seconds to wait for the newest lines of the log


@dataclass(frozen=True, slots=True)
class Changed:
    """What an update did.

    Attributes:
        connector: As it is now.
        fields: The fields whose value is another than before.
        reset: The credentials changed: it must be verified again and is disabled until then.
    """

    connector: Connector
    fields: tuple[str, ...]
    reset: bool


class ConnectorService:
    """What people may do with connectors, and the record of who did it.

    Args:
        store: Stored connectors.
        statuses: How they are doing.
        logbook: Every action and every refusal is a row in it.
        configured: Connectors declared in configuration.
        verify: Asks Feishu who the app's bot is; raises FeishuError if the credentials are no good.
        changed: Told after every change that may concern what runs.
    """

    def __init__(
        self,
        store: ConnectorStore,
        statuses: Statuses,
        logbook: LogBook,
        database: Database,
        *,
        configured: Callable[[], Sequence[ConnectorSpec]],
        verify: Verify,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._statuses = statuses
        self._logbook = logbook
        self._database = database
        self._audit = Audit(logbook)
        self._directory = Directory(store, configured)
        self._verify = verify
        self._changed = changed

    # --- looking --------------------------------------------------------------------------------------------

    async def everything(self) -> list[Connector]:
        """All connectors there are, configured ones first. For the runtime; people see `visible`."""
        return await self._directory.everything()

    async def visible(self, actor: Actor) -> list[Connector]:
        """The connectors somebody may see."""
        return await self._directory.visible(actor)

    async def get(self, actor: Actor, name: str) -> Connector:
        """One connector by its name, id or app id.

        Raises:
            UnknownConnector: There is none, or it is somebody else's.
        """
        with self._audit.asked(actor, "show", name) as request:
            return await self._directory.find(request)

    async def status(self, actor: Actor, name: str | None = None) -> list[tuple[Connector, Reported]]:
        """Connectors and how they are doing; one, or all that somebody may see."""
        if name is None:
            connectors = await self.visible(actor)
        else:
            with self._audit.asked(actor, "status", name) as request:
                connectors = [await self._directory.find(request)]
        reports = await self._statuses.all()
        return [(connector, reports.get(connector.spec.app_id, Reported())) for connector in connectors]

    async def logs(
        self,
        actor: Actor,
        name: str | None,
        *,
        limit: int = 20,
        cursor: str | None = None,
        action: LogAction | None = None,
        level: LogLevel = LogLevel.DEBUG,
    ) -> LogPage:
        """The log of a connector, or of all that somebody may see, newest first; see `LogBook.read`.

        To superusers the log of all is the whole log: lines about no connector, or one that is gone, are in it, too.
        """
        if name is None:
            apps = None if actor.superuser else [one.spec.app_id for one in await self.visible(actor)]
        else:
            with self._audit.asked(actor, "logs", name) as request:
                apps = [(await self._directory.find(request)).spec.app_id]
        with contextlib.suppress(TimeoutError):  # the database is away, or busy
            async with asyncio.timeout(_FLUSH_WITHIN):
                await self._logbook.flush()
        return await self._logbook.read(apps, limit=limit, cursor=cursor, action=action, level=level)

    async def dead_letters(self, actor: Actor, name: str) -> list[DeadLetter]:
        """A connector's events that were given up, the latest first; see `delivery.dead_letters`."""
        with self._audit.asked(actor, "replay", name) as request:
            connector = await self._directory.find(request)
        return await dead_letters(self._database, [connector.spec.app_id])

    # --- changing -------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, values: Mapping[str, object]) -> Connector:
        """Add a connector; it is neither verified nor enabled yet.

        Args:
            actor: A superuser; becomes the owner if no other is given and the request came from a chat.
            values: Fields by name, see `SETTABLE`.

        Raises:
            NotAllowed: Only superusers add connectors.
            InvalidFields, Taken: See there.
        """
        values = concealed(values)
        name = str(values.get("name", ""))
        with self._audit.asked(actor, "add", name) as request:
            if not actor.superuser:
                raise NotAllowed(name, "add")
            owner = actor.who if actor.origin == "chat" else None
            spec = validated(name, {"owner": owner, **values, "enabled": False}, given=values)
            self._directory.free(spec)
            connector = request.connector = await self._store.insert(spec)
        self._audit.note(request, LogAction.CREATE_CONNECTOR, {"fields": shown(spec, values)})
        return connector

    async def update(self, actor: Actor, name: str, changes: Mapping[str, object]) -> Changed:
        """Change fields of a connector. A change of app id, secret or domain asks for a new verification.

        Raises:
            UnknownConnector, ReadOnly, SecretsLocked, InvalidFields, Taken: See there.
            NotAllowed: It is one of `OF_SUPERUSERS`.
        """
        changes = concealed(changes)
        was: list[Connector] = []

        def change(now: Connector) -> tuple[ConnectorSpec, datetime | None]:
            was[:] = [now]
            spec = _merged(now.spec, changes)
            self._directory.free(spec)
            if now.verified_at is None or not _changed(now.spec, spec, CREDENTIALS):
                return spec, now.verified_at
            return spec.model_copy(update={"enabled": False}), None

        with self._audit.asked(actor, "set", name) as request:
            await self._directory.writable(request)
            if not actor.superuser and (forbidden := OF_SUPERUSERS & changes.keys()):
                raise NotAllowed(name, f"set {min(forbidden)}")
            saved = await self._directory.change(request, change)
        fields = tuple(field for field in changes if field in _changed(was[0].spec, saved.spec, changes))
        reset = was[0].verified_at is not None and saved.verified_at is None
        self._audit.note(request, LogAction.UPDATE_CONNECTOR, {"fields": shown(saved.spec, fields)})
        if reset:
            detail = {"fields": sorted(CREDENTIALS & set(fields))}
            self._audit.note(request, LogAction.VERIFICATION_RESET, detail)
        self._changed()
        return Changed(saved, fields, reset)

    async def verify(self, actor: Actor, name: str) -> tuple[Connector, BotInfo]:
        """Ask Feishu whether the credentials are good and the app has a bot; only success is remembered.

        Raises:
            UnknownConnector, SecretsLocked: See there.
            VerificationFailed: With Feishu's own error.
        """
        with self._audit.asked(actor, "verify", name) as request:
            connector = await self._directory.find(request)
            while True:
                unlocked(connector)
                try:
                    info = await self._verify(connector.spec)
                except FeishuError as error:
                    raise VerificationFailed(connector.spec.name, error) from error
                if connector.source is Source.CONFIG:
                    break
                asked = connector.spec

                def change(
                    now: Connector, asked: ConnectorSpec = asked
                ) -> tuple[ConnectorSpec, datetime | None]:
                    # What Feishu accepted may have been replaced meanwhile: the answer is not about what is there now.
                    stale = _changed(asked, now.spec, CREDENTIALS)
                    return now.spec, now.verified_at if stale else utc_now()

                connector = await self._directory.change(request, change)
                if not _changed(asked, connector.spec, CREDENTIALS):
                    break
        self._audit.note(request, LogAction.VERIFY_CALLBACK, {"bot": info.app_name})
        return connector, info

    async def set_enabled(self, actor: Actor, name: str, enabled: bool) -> Connector:
        """Say whether a connector should be connected, now and after every restart.

        Raises:
            UnknownConnector, ReadOnly, SecretsLocked: See there.
            NotVerified: Only a verified connector can be enabled.
        """

        def change(now: Connector) -> tuple[ConnectorSpec, datetime | None]:
            if enabled and now.verified_at is None:
                raise NotVerified(now.spec.name)
            return now.spec.model_copy(update={"enabled": enabled}), now.verified_at

        with self._audit.asked(actor, "enable" if enabled else "disable", name) as request:
            await self._directory.writable(request)
            saved = await self._directory.change(request, change)
        if enabled:
            await self._statuses.hold(saved.spec.app_id, held=False)
        self._audit.note(request, LogAction.SET_ENABLED, {"enabled": enabled})
        self._changed()
        return saved

    async def set_connected(self, actor: Actor, name: str, connected: bool) -> Connector:
        """Connect or disconnect an enabled connector now; a restart connects it again.

        Raises:
            UnknownConnector, SecretsLocked: See there.
            NotEnabled: One that is not enabled cannot be connected.
        """
        with self._audit.asked(actor, "connect" if connected else "disconnect", name) as request:
            connector = await self._directory.find(request)
            unlocked(connector)
            if connected and not connector.runnable:
                raise NotEnabled(connector.spec.name)
            await self._statuses.hold(connector.spec.app_id, held=not connected)
        action = LogAction.WS_CONNECTING if connected else LogAction.WS_DISCONNECTED
        self._audit.note(request, action, {"asked": True})
        self._changed()
        return connector

    async def remove(self, actor: Actor, name: str) -> Connector:
        """Forget a connector and its secrets. Its log stays.

        Raises:
            UnknownConnector, ReadOnly: See there.
        """
        with self._audit.asked(actor, "remove", name) as request:
            connector = await self._directory.find(request)
            if connector.source is Source.CONFIG:
                raise ReadOnly(connector.spec.name)
            await self._store.delete(connector.id)
        self._audit.note(request, LogAction.REMOVE_CONNECTOR, {})
        self._changed()
        return connector

    async def replay(self, actor: Actor, name: str, event_id: str | None = None) -> int:
        """Have events that were given up handled after all: one, or all of a connector's.

        Returns:
            How many.
        """
        with self._audit.asked(actor, "replay", name) as request:
            connector = await self._directory.find(request)
            count = await replay(self._database, connector.spec.app_id, event_id)
            self._audit.note(request, LogAction.WS_DEAD_LETTER, {"replayed": count, "event": event_id})
            return count

    def denied(self, actor: Actor, verb: str, name: str | None = None) -> None:
        """Note that somebody was refused before a connector was even looked up."""
        self._audit.denied(Request(actor, verb, name or ""), {})


def _merged(spec: ConnectorSpec, changes: Mapping[str, object]) -> ConnectorSpec:
    old = {field: getattr(spec, field) for field in ConnectorSpec.model_fields}
    return validated(spec.name, {**old, **changes}, given=changes)


def _changed(old: ConnectorSpec, new: ConnectorSpec, among: Iterable[str]) -> set[str]:
    return {field for field in among if getattr(old, field) != getattr(new, field)}
