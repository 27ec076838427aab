"""Connectors in the database, their secrets sealed."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..filters import Policy
from ..storage import ConnectorRow, Database, Vault, VaultError, utc_now
from .errors import Taken
from .record import SECRETS, Connector, Source
from .spec import ConnectorSpec

_T = TypeVar("_T")
_PLAIN = ("name", "app_id", "domain", "transport", "enabled", "owner")


class ConnectorStore:
    """Rows in, connectors out.

    Args:
        database: Started.
        vault: Opens and seals the secrets.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def all(self) -> list[Connector]:
        """Every stored connector, by name."""
        async with self._database.session() as session:
            rows = (await session.exec(select(ConnectorRow).order_by(ConnectorRow.name))).all()
        return [self._connector(row) for row in rows]

    async def revision(self) -> tuple[int, datetime | None]:
        """Changes whenever a connector is added, changed or removed."""
        async with self._database.session() as session:
            statement = select(func.count(), func.max(ConnectorRow.updated_at))
            count, latest = (await session.exec(statement)).one()
        return count, latest

    async def insert(self, spec: ConnectorSpec) -> Connector:
        """Store a new connector.

        Raises:
            Taken: Its name or app id is another's.
        """
        row = ConnectorRow(name=spec.name, app_id=spec.app_id, app_secret=None)  # pyright: ignore[reportArgumentType] - sealed below, to the row's id
        self._fill(row, spec, None)

        async def work(session: AsyncSession) -> None:
            session.add(row)

        await self._guarded(work, spec, row.id)
        return self._connector(row)

    async def save(self, id_: str, spec: ConnectorSpec, verified_at: datetime | None) -> Connector | None:
        """Change a connector; None if it was removed meanwhile.

        Raises:
            Taken: Its new name or app id is another's.
        """

        async def work(session: AsyncSession) -> ConnectorRow | None:
            row = await session.get(ConnectorRow, id_, with_for_update=True)
            if row is not None:
                self._fill(row, spec, verified_at)
            return row

        row = await self._guarded(work, spec, id_)
        return None if row is None else self._connector(row)

    async def delete(self, id_: str) -> None:
        """Remove a connector, secrets and all. One that is gone already is no error."""

        async def work(session: AsyncSession) -> None:
            row = await session.get(ConnectorRow, id_)
            if row is not None:
                await session.delete(row)

        await self._database.write(work)

    async def _guarded(
        self, work: Callable[[AsyncSession], Awaitable[_T]], spec: ConnectorSpec, id_: str
    ) -> _T:
        try:
            return await self._database.write(work)
        except IntegrityError:
            async with self._database.session() as session:
                same = select(ConnectorRow.id).where(
                    col(ConnectorRow.app_id) == spec.app_id, col(ConnectorRow.id) != id_
                )
                same_app = (await session.exec(same)).first() is not None
            raise Taken(spec.name, "app_id" if same_app else "name") from None

    def _fill(self, row: ConnectorRow, spec: ConnectorSpec, verified_at: datetime | None) -> None:
        for name in _PLAIN:
            setattr(row, name, getattr(spec, name))
        row.approvers = list(spec.approvers)
        row.policy = spec.model_dump(mode="json", include=set(Policy.model_fields))
        for name in SECRETS:
            value: SecretStr | None = getattr(spec, name)
            row.seal(name, None if value is None else value.get_secret_value(), self._vault)
        row.verified_at = verified_at
        row.updated_at = utc_now()

    def _connector(self, row: ConnectorRow) -> Connector:
        values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
        known = {name: value for name, value in row.policy.items() if name in Policy.model_fields}
        values |= {**known, "approvers": tuple(row.approvers)}
        locked: VaultError | None = None
        secrets: Mapping[str, str | None] = {}
        try:
            secrets = {name: row.reveal(name, self._vault) for name in SECRETS}
        except VaultError as error:
            locked = error
        spec = ConnectorSpec.model_validate({**values, "app_secret": "locked", **secrets})
        return Connector(row.id, spec, Source.STORED, row.verified_at, locked)
