"""The only writer of connectors. Chat, shell and whatever comes later call these functions and get the same errors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr, ValidationError

from ..delivery import LogAction, LogBook, LogLevel, LogPage
from ..openapi import BotInfo, FeishuError
from ..storage import utc_now
from .errors import (
    ConnectorError,
    InvalidFields,
    NotAllowed,
    NotEnabled,
    NotVerified,
    ReadOnly,
    SecretsLocked,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from .record import CREDENTIALS, SECRETS, Actor, Connector, Source
from .spec import ConnectorSpec
from .statuses import Reported, Statuses
from .store import ConnectorStore

Verify = Callable[[ConnectorSpec], Awaitable[BotInfo]]

SETTABLE = frozenset(ConnectorSpec.model_fields) - {"enabled"}
"""Fields `create` and `update` take; enabling is a verb of its own, because it asks for a verification first."""


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
        *,
        configured: Callable[[], Sequence[ConnectorSpec]],
        verify: Verify,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._statuses = statuses
        self._logbook = logbook
        self._configured = configured
        self._verify = verify
        self._changed = changed

    # --- looking --------------------------------------------------------------------------------------------

    async def everything(self) -> list[Connector]:
        """All connectors there are, configured ones first. For the runtime; people see `visible`."""
        configured = [Connector(spec.name, spec, Source.CONFIG) for spec in self._configured()]
        taken = {(connector.spec.name, connector.spec.app_id) for connector in configured}
        names, apps = {name for name, _ in taken}, {app for _, app in taken}
        stored = [
            connector
            for connector in await self._store.all()
            # Configuration wins over a stored connector of the same name or app.
            if connector.spec.name not in names and connector.spec.app_id not in apps
        ]
        return configured + stored

    async def visible(self, actor: Actor) -> list[Connector]:
        """The connectors somebody may see."""
        return [connector for connector in await self.everything() if actor.may_see(connector)]

    async def get(self, actor: Actor, name: str) -> Connector:
        """One connector by its name, id or app id.

        Raises:
            UnknownConnector: There is none, or it is somebody else's.
        """
        visible = await self.visible(actor)
        for connector in visible:
            if name in (connector.spec.name, connector.id, connector.spec.app_id):
                return connector
        raise UnknownConnector(name, [connector.spec.name for connector in visible])

    async def status(self, actor: Actor, name: str | None = None) -> list[tuple[Connector, Reported]]:
        """Connectors and how they are doing; one, or all that somebody may see."""
        connectors = await self.visible(actor) if name is None else [await self.get(actor, name)]
        reports = await self._statuses.all()
        return [(connector, reports.get(connector.spec.app_id, Reported())) for connector in connectors]

    async def logs(self, actor: Actor, name: str, *, limit: int = 20, cursor: str | None = None) -> LogPage:
        """A connector's log, newest first; see `LogBook.read`."""
        connector = await self.get(actor, name)
        await self._logbook.flush()
        return await self._logbook.read(connector.spec.app_id, limit=limit, cursor=cursor)

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
        name = str(values.get("name", ""))
        if not actor.superuser:
            raise self._denied(actor, None, NotAllowed(name, "add"))
        owner = actor.who if actor.origin == "chat" else None
        spec = _validated(name, {"owner": owner, **values, "enabled": False}, given=values)
        for other in self._configured():
            if other.name == spec.name or other.app_id == spec.app_id:
                raise Taken(spec.name, "name" if other.name == spec.name else "app_id")
        connector = await self._store.insert(spec)
        self._note(actor, connector, LogAction.CREATE_CONNECTOR, {"fields": _shown(spec, values)})
        return connector

    async def update(self, actor: Actor, name: str, changes: Mapping[str, object]) -> Changed:
        """Change fields of a connector. A change of app id, secret or domain asks for a new verification.

        Raises:
            UnknownConnector, ReadOnly, SecretsLocked, InvalidFields, Taken: See there.
            NotAllowed: Only superusers change the owner.
        """
        connector = await self._writable(actor, name, "set")
        if "owner" in changes and not actor.superuser:
            raise self._denied(actor, connector, NotAllowed(name, "set owner"))
        old = {field: getattr(connector.spec, field) for field in ConnectorSpec.model_fields}
        spec = _validated(connector.spec.name, {**old, **changes}, given=changes)
        fields = tuple(field for field in changes if getattr(spec, field) != old[field])
        reset = connector.verified_at is not None and bool(CREDENTIALS & set(fields))
        verified_at = connector.verified_at
        if reset:
            spec, verified_at = spec.model_copy(update={"enabled": False}), None
        saved = await self._save(connector, spec, verified_at)
        self._note(actor, saved, LogAction.UPDATE_CONNECTOR, {"fields": _shown(spec, fields)})
        if reset:
            self._note(
                actor, saved, LogAction.VERIFICATION_RESET, {"fields": sorted(CREDENTIALS & set(fields))}
            )
        self._changed()
        return Changed(saved, fields, reset)

    async def verify(self, actor: Actor, name: str) -> tuple[Connector, BotInfo]:
        """Ask Feishu whether the credentials are good and the app has a bot; only success is remembered.

        Raises:
            UnknownConnector, SecretsLocked: See there.
            VerificationFailed: With Feishu's own error.
        """
        connector = await self.get(actor, name)
        self._unlocked(connector)
        try:
            info = await self._verify(connector.spec)
        except FeishuError as error:
            self._note(actor, connector, LogAction.VERIFY_CALLBACK, {"error": str(error)}, LogLevel.WARNING)
            raise VerificationFailed(connector.spec.name, error) from error
        if connector.source is Source.STORED:
            connector = await self._save(connector, connector.spec, utc_now())
        self._note(actor, connector, LogAction.VERIFY_CALLBACK, {"bot": info.app_name})
        return connector, info

    async def set_enabled(self, actor: Actor, name: str, enabled: bool) -> Connector:
        """Say whether a connector should be connected, now and after every restart.

        Raises:
            UnknownConnector, ReadOnly, SecretsLocked: See there.
            NotVerified: Only a verified connector can be enabled.
        """
        connector = await self._writable(actor, name, "enable" if enabled else "disable")
        if enabled and connector.verified_at is None:
            raise self._denied(actor, connector, NotVerified(connector.spec.name))
        saved = await self._save(
            connector, connector.spec.model_copy(update={"enabled": enabled}), connector.verified_at
        )
        if enabled:
            await self._statuses.hold(saved.spec.app_id, held=False)
        self._note(actor, saved, LogAction.SET_ENABLED, {"enabled": enabled})
        self._changed()
        return saved

    async def set_connected(self, actor: Actor, name: str, connected: bool) -> Connector:
        """Connect or disconnect an enabled connector now; a restart connects it again.

        Raises:
            UnknownConnector, SecretsLocked: See there.
            NotEnabled: One that is not enabled cannot be connected.
        """
        connector = await self.get(actor, name)
        self._unlocked(connector)
        if connected and not connector.runnable:
            raise self._denied(actor, connector, NotEnabled(connector.spec.name))
        await self._statuses.hold(connector.spec.app_id, held=not connected)
        action = LogAction.WS_CONNECTING if connected else LogAction.WS_DISCONNECTED
        self._note(actor, connector, action, {"asked": True})
        self._changed()
        return connector

    async def remove(self, actor: Actor, name: str) -> Connector:
        """Forget a connector and its secrets. Its log stays.

        Raises:
            UnknownConnector, ReadOnly: See there.
        """
        connector = await self.get(actor, name)
        if connector.source is Source.CONFIG:
            raise self._denied(actor, connector, ReadOnly(connector.spec.name))
        await self._store.delete(connector.id)
        self._note(actor, connector, LogAction.REMOVE_CONNECTOR, {})
        self._changed()
        return connector

    # --- in common ------------------------------------------------------------------------------------------

    def denied(self, actor: Actor, verb: str, name: str | None = None) -> None:
        """Note that somebody was refused before a connector was even looked up."""
        detail = {**_by(actor), "verb": verb, "connector": name}
        self._logbook.write(LogAction.COMMAND_DENIED, level=LogLevel.WARNING, detail=detail)

    async def _writable(self, actor: Actor, name: str, verb: str) -> Connector:
        try:
            connector = await self.get(actor, name)
        except UnknownConnector:
            self.denied(actor, verb, name)
            raise
        if connector.source is Source.CONFIG:
            raise self._denied(actor, connector, ReadOnly(connector.spec.name))
        self._unlocked(connector)
        return connector

    @staticmethod
    def _unlocked(connector: Connector) -> None:
        if connector.locked is not None:
            raise SecretsLocked(connector.spec.name, connector.locked)

    async def _save(
        self, connector: Connector, spec: ConnectorSpec, verified_at: datetime | None
    ) -> Connector:
        if any(spec.name == other.name or spec.app_id == other.app_id for other in self._configured()):
            raise Taken(spec.name, "name")
        saved = await self._store.save(connector.id, spec, verified_at)
        if saved is None:
            raise UnknownConnector(connector.spec.name, ())
        return saved

    def _denied(self, actor: Actor, connector: Connector | None, error: ConnectorError) -> ConnectorError:
        detail = {"refused": type(error).__name__}
        self._note(actor, connector, LogAction.COMMAND_DENIED, detail, LogLevel.WARNING)
        return error

    def _note(
        self,
        actor: Actor,
        connector: Connector | None,
        action: LogAction,
        detail: Mapping[str, object],
        level: LogLevel = LogLevel.INFO,
    ) -> None:
        self._logbook.write(
            action,
            level=level,
            connector=connector.spec.app_id if connector else None,
            name=connector.spec.name if connector else None,
            detail={**_by(actor), **detail},
        )


def _by(actor: Actor) -> dict[str, object]:
    return {"by": actor.who, "from": actor.origin}


def _shown(spec: ConnectorSpec, fields: Mapping[str, object] | Sequence[str]) -> dict[str, object]:
    """Fields as they may be shown: of a secret only whether it is set."""
    return {
        field: bool(getattr(spec, field)) if field in SECRETS else getattr(spec, field) for field in fields
    }


def _validated(name: str, values: Mapping[str, object], *, given: Mapping[str, object]) -> ConnectorSpec:
    unknown = sorted(set(given) - SETTABLE)
    known: dict[str, Any] = {field: value for field, value in values.items() if field not in unknown}
    # An empty word removes what may be missing: `set NAME proxy=`.
    for field in ("verification_token", "encrypt_key", "proxy", "domain", "owner"):
        value = known.get(field)
        if value == "" or (isinstance(value, SecretStr) and not value.get_secret_value()):
            known[field] = None
    problems: dict[str, str] = {}
    try:
        spec = ConnectorSpec(**known)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            field = str(problem["loc"][0]) if problem["loc"] else "?"
            problems.setdefault(field, problem["msg"].removeprefix("Value error, "))
        raise InvalidFields(name, problems, unknown) from None
    if unknown:
        raise InvalidFields(name, {}, unknown)
    return spec
