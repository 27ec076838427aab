"""Connectors in the database, their secrets sealed."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy import Text, cast, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..filters import Policy
from ..storage import ConnectorRow, Database, Vault, VaultError, utc_now
from .errors import Taken
from .record import SECRETS, Connector, Source
from .spec import ConnectorSpec

logger = logging.getLogger("nonebot_plugin_feishu_ws.connectors")

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
        return [connector for row in rows if (connector := self._connector(row)) is not None]

    async def revision(self) -> object:
        """Equal to an earlier one if no connector was added, changed or removed since.

        Of every row, because the newest time alone misses a change that was committed late, or by a machine whose
        clock is behind. As one text: it is asked for twice a second, and to read 2,000 rows takes 20 ms.
        """
        time = col(ConnectorRow.id).concat(cast(col(ConnectorRow.updated_at), Text)).label("time")
        times = select(time).order_by(col(ConnectorRow.id)).subquery()
        async with self._database.session() as session:
            return (await session.exec(select(func.aggregate_strings(times.c.time, " ")))).one()

    async def insert(self, spec: ConnectorSpec) -> Connector:
        """Store a new connector.

        Raises:
            Taken: Its name or app id is another's.
        """
        row = ConnectorRow(name=spec.name, app_id=spec.app_id, app_secret=None)  # pyright: ignore[reportArgumentType] - sealed below, to the row's id
        self._fill(row, spec, None)

        async def work(session: AsyncSession) -> None:
            session.add(row)
            await _flush(session, spec, row.id)

        await self._database.write(work)
        return Connector(row.id, spec, Source.STORED)

    async def change(
        self, id_: str, change: Callable[[Connector], tuple[ConnectorSpec, datetime | None]]
    ) -> Connector | None:
        """Change a connector; None if it was removed meanwhile.

        Args:
            id_: Of its row.
            change: Makes of what is stored now what shall be, and when that was verified; nobody else changes it in
                between. May be called again; what it raises is passed on, and nothing is changed.

        Raises:
            Taken: Its new name or app id is another's.
        """

        async def work(session: AsyncSession) -> Connector | None:
            row = await session.get(ConnectorRow, id_, with_for_update=True)
            connector = None if row is None else self._connector(row)
            if row is None or connector is None:
                return None
            spec, verified_at = change(connector)
            self._fill(row, spec, verified_at)
            await _flush(session, spec, id_)
            return Connector(id_, spec, Source.STORED, verified_at)

        return await self._database.write(work)

    async def delete(self, id_: str) -> None:
        """Remove a connector, secrets and all. One that is gone already is no error."""

        async def work(session: AsyncSession) -> None:
            row = await session.get(ConnectorRow, id_)
            if row is not None:
                await session.delete(row)

        await self._database.write(work)

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

    def _connector(self, row: ConnectorRow) -> Connector | None:
        """None if another version of this plugin stored what this one does not know."""
        values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
        known = {name: value for name, value in row.policy.items() if name in Policy.model_fields}
        values |= {**known, "approvers": tuple(row.approvers)}
        locked: VaultError | None = None
        secrets: Mapping[str, SecretStr | None] = {"app_secret": SecretStr("locked")}
        try:
            secrets = {name: self._revealed(row, name) for name in SECRETS}
        except VaultError as error:
            locked = error
            if row.transport == "webhook":  # which is none without them
                secrets = {**secrets, "encrypt_key": SecretStr("locked")}
        try:
            spec = ConnectorSpec.model_validate({**values, **secrets})
        except ValidationError as error:
            fields = {str(problem["loc"][0]) for problem in error.errors(include_input=False)}
            logger.error("%s: left out, not understood: %s", row.name, ", ".join(sorted(fields)))
            return None
        return Connector(row.id, spec, Source.STORED, row.verified_at, locked)

    def _revealed(self, row: ConnectorRow, name: str) -> SecretStr | None:
        plain = row.reveal(name, self._vault)
        return None if plain is None else SecretStr(plain)


async def _flush(session: AsyncSession, spec: ConnectorSpec, id_: str) -> None:
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        same = select(ConnectorRow.id).where(
            col(ConnectorRow.app_id) == spec.app_id, col(ConnectorRow.id) != id_
        )
        same_app = (await session.exec(same)).first() is not None
    else:
        return
    raise Taken(spec.name, "app_id" if same_app else "name")
