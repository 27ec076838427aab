"""A new key: every stored secret is sealed again with the first key of the vault."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import ConnectorRow, Database, Sealed, Vault, VaultError
from .errors import SecretsLocked


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation has come.

    Attributes:
        done: Connectors all of whose secrets are sealed with the first key.
        total: Connectors there are.
    """

    done: int
    total: int


async def rotate(database: Database, vault: Vault, report: Callable[[Progress], None]) -> Progress:
    """Seal every stored secret with the vault's first key, one connector at a time.

    Ended in the middle, by whatever, it goes on where it was when it is called again: a connector's secrets are sealed
    all together or not at all, and all keys of the vault open them meanwhile. A bot that is running must know the new
    key before.

    Args:
        database: Started.
        vault: The new key first, then those the secrets were sealed with.
        report: Told before the first connector and after each.

    Raises:
        SecretsLocked: A secret does not open; nothing was changed.
        DatabaseUnavailable: See there; what was done stays done.
    """
    async with database.session() as session:
        rows = (await session.exec(select(ConnectorRow).order_by(ConnectorRow.name))).all()
    for row in rows:
        _opens(row, vault)
    old = [row.id for row in rows if _outdated(row, vault)]
    before = len(rows) - len(old)
    report(progress := Progress(before, len(rows)))
    for done, id_ in enumerate(old, start=before + 1):
        await _seal_again(database, vault, id_)
        report(progress := Progress(done, len(rows)))
    return progress


def _opens(row: ConnectorRow, vault: Vault) -> None:
    try:
        for column in ConnectorRow.SECRETS:
            row.reveal(column, vault)
    except VaultError as error:
        raise SecretsLocked(row.name, error) from None


def _outdated(row: ConnectorRow, vault: Vault) -> list[str]:
    """The columns that an older key has sealed."""
    sealed: dict[str, Sealed | None] = {column: getattr(row, column) for column in ConnectorRow.SECRETS}
    return [column for column, value in sealed.items() if value is not None and not vault.is_newest(value)]


async def _seal_again(database: Database, vault: Vault, id_: str) -> None:
    async def work(session: AsyncSession) -> None:
        row = await session.get(ConnectorRow, id_, with_for_update=True)
        if row is None:  # removed meanwhile
            return
        _opens(row, vault)
        # The time of the last change stays: nothing that concerns what runs was changed.
        for column in _outdated(row, vault):
            row.seal(column, row.reveal(column, vault), vault)

    await database.write(work)
