"""What the bot and the shell share: the database, the log, and the service that manages connectors."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import aiohttp

from ..butler import tools
from ..butler.approvals import ApprovalStore, CardRows, Deciding, Share
from ..config import Settings
from ..connectors import (
    Actor,
    Check,
    Connector,
    ConnectorService,
    ConnectorSpec,
    ConnectorStore,
    Progress,
    Reported,
    Statuses,
    diagnose,
    rest_client,
    rotate,
)
from ..delivery import LogAction, LogBook, Pacer
from ..openapi import BotInfo, FeishuClient
from ..storage import Database, DatabaseClock, Vault, load_vault
from .people import Forgotten, export, find, forget


class Management:
    """Managing connectors, whether the bot runs in this process, in another, or not at all.

    Args:
        settings: As loaded.
        data: The plugin's data directory: the default database is there, and the key file beside a database
            that is no file.
        changed: Told after every change that may concern what runs.
        decided: Told after every decision about an approval.
        running: A connector as it runs in this process.
    """

    def __init__(
        self,
        settings: Settings,
        data: Path,
        changed: Callable[[], None] = lambda: None,
        decided: Callable[[], None] = lambda: None,
        running: Callable[[str], ConnectorSpec | None] = lambda _: None,
    ) -> None:
        url = settings.database_url.get_secret_value() if settings.database_url else ""
        # A local Feishu knows nothing of real apps, nor of those of the last one: it has a database of its own.
        self._local = settings.sandbox and not url
        file = data / ("feishu-ws-sandbox.sqlite3" if self._local else "feishu-ws.sqlite3")
        self._address = data / "feishu-ws-sandbox.url"
        self.database = Database(url or f"sqlite+aiosqlite:///{file}")
        self.logbook = LogBook(self.database)
        self.configured: Sequence[ConnectorSpec] = settings.connectors
        """Connectors declared in configuration; the local Feishu may add one."""
        self.default_url = settings.url
        """The platform of connectors that name none."""
        self.console_url: str | None = None
        """What the addresses of the web console begin with; None: there is none."""
        self._settings = settings
        self._key_file = (self.database.path or data / "feishu-ws").with_suffix(".key")
        self._changed = changed
        self._session: aiohttp.ClientSession | None = None
        self._service: ConnectorService | None = None
        self._store: ConnectorStore | None = None
        self._vault: Vault | None = None
        self.statuses = Statuses(self.database)
        self.pacer = Pacer()
        """Orders the REST calls of all connectors."""
        self._running = running
        self.clock = DatabaseClock(self.database)
        self.approvals_share = Share(self.database)
        self.approvals = ApprovalStore(self.approvals_share, self.clock)
        self.approval_cards = CardRows(self.approvals_share)
        self.deciding = Deciding(
            self.approvals, self.approval_cards, tools, self.logbook, self.spec_of, decided
        )

    def forget_local(self) -> None:
        """Begin without what was kept for an earlier local Feishu. For the bot, before `start`."""
        path = self.database.path
        if self._local and path is not None:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    def announce_local(self, url: str | None) -> None:
        """Say where the local Feishu is, here and to shells; None when it is gone."""
        if url is None:
            self._address.unlink(missing_ok=True)
        else:
            self.default_url = url
            self._address.write_text(url, encoding="ascii")

    async def start(self) -> None:
        """Bring the database up to date and open the key.

        Raises:
            StorageError: The database or the key cannot be used.
        """
        if self._settings.sandbox and self._address.exists():
            self.default_url = self._address.read_text(encoding="ascii").strip()
        await self.database.start()
        key = self._settings.secret_key
        self._vault = load_vault(key.get_secret_value() if key else None, self._key_file)
        self._store = ConnectorStore(self.database, self._vault)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._service = ConnectorService(
            self._store,
            self.statuses,
            self.logbook,
            self.database,
            configured=lambda: self.configured,
            verify=self._verify,
            changed=self._changed,
        )
        self.logbook.start()

    async def stop(self) -> None:
        """Write what is left to write and close everything."""
        await self.logbook.stop()
        if self._session is not None:
            await self._session.close()
        await self.database.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session of this process."""
        assert self._session is not None, "started"
        return self._session

    @property
    def service(self) -> ConnectorService:
        """What people may do with connectors."""
        assert self._service is not None, "started"
        return self._service

    @property
    def store(self) -> ConnectorStore:
        """Stored connectors."""
        assert self._store is not None, "started"
        return self._store

    async def spec_of(self, app_id: str) -> ConnectorSpec | None:
        """A connector by its app id, as it is now.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        if (spec := self._running(app_id)) is not None:
            return spec
        everything = await self.service.everything()
        return next((one.spec for one in everything if one.spec.app_id == app_id), None)

    async def examine(
        self, actor: Actor, name: str, found: Callable[[Check], None] = lambda _: None
    ) -> tuple[Connector, Reported, list[Check]]:
        """Check everything about a connector; see `connectors.diagnose`.

        Raises:
            UnknownConnector: There is none of that name, or it is somebody else's.
            DatabaseUnavailable: Nobody knows now.
        """
        ((connector, reported),) = await self.service.status(actor, name)
        url = connector.spec.domain or self.default_url
        checks = await diagnose(connector, base_url=url, session=self.session, reported=reported, found=found)
        return connector, reported, checks

    async def export_user(self, actor: Actor, ids: Collection[str]) -> list[str]:
        """What is kept of a person, as lines of JSON; see `people.export`.

        Args:
            actor: Who asks.
            ids: open_ids, union_id, user_id: any of them.
        """
        person = await find(self.database, ids)
        lines = [line async for line in export(self.database, person)]
        self.logbook.write(
            LogAction.EXPORT_USER, detail={"by": actor.who, "from": actor.origin, "rows": len(lines) - 1}
        )
        return lines

    async def forget_user(self, actor: Actor, ids: Collection[str], *, really: bool) -> Forgotten:
        """Take a person out of what is kept; see `people.forget`.

        Args:
            actor: Who asks.
            ids: See `export_user`.
            really: Do it; False: only count.
        """
        forgotten = await forget(self.database, await find(self.database, ids), really=really)
        if really:
            asked = {"by": actor.who, "from": actor.origin, "as": forgotten.alias}
            rows = {"changed": forgotten.changed, "deleted": forgotten.deleted}
            self.logbook.write(LogAction.FORGET_USER, detail={**asked, **rows})
        return forgotten

    async def rotate_key(self, report: Callable[[Progress], None]) -> Progress:
        """Seal every stored secret with the first key; see `connectors.rotate`."""
        assert self._vault is not None, "started"
        return await rotate(self.database, self._vault, report)

    def client(self, spec: ConnectorSpec) -> FeishuClient:
        """A REST client for a connector, whether it runs or not."""
        return rest_client(
            spec, base_url=spec.domain or self.default_url, session=self.session, pace=self.pacer
        )

    async def _verify(self, spec: ConnectorSpec) -> BotInfo:
        return await self.client(spec).bot_info()
