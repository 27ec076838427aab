"""What all tables share: their own registry, names for constraints, and column types."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Enum, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import declared_attr, registry
from sqlmodel import SQLModel
from typing_extensions import override

from .vault import Sealed

_names = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=_names))):
    """Base of this plugin's tables.

    Everything in the process shares SQLModel's own registry: two plugins whose table classes have the same
    name would break each other.
    """

    model_config = {"defer_build": True}  # rows are not validated: their validators are never made

    @declared_attr  # pyright: ignore[reportArgumentType] - as SQLModel itself declares it
    def __tablename__(cls) -> str:  # noqa: N805 # pyright: ignore[reportIncompatibleVariableOverride] - the same
        """`ConnectorRow` is kept in `feishu_ws_connector`."""
        return "feishu_ws_" + cls.__name__.removesuffix("Row").lower()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; SQLite itself knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time without time zone cannot be stored")
        return value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SealedColumn(TypeDecorator[Sealed]):
    """A column for secrets. It takes nothing but sealed values, so plain text cannot end up in the
    database."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Sealed):  # pyright: ignore[reportUnnecessaryIsInstance] - the point of this class
            raise TypeError("a secret must be sealed before it is stored")
        return value.text

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(value)


class JsonText(TypeDecorator[Any]):
    """JSON as text: the same on both databases, and free of what PostgreSQL's own types refuse
    (`\\u0000`)."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, separators=(",", ":"))

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def row_id() -> Any:
    """64 bits everywhere; SQLite counts up only what is declared INTEGER."""
    return BigInteger().with_variant(Integer, "sqlite")


def choice(kind: type[StrEnum]) -> Enum:
    """An enumeration stored by value as plain text, without a type or a check in the database.

    A later version may add a value while an earlier one still runs.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=_values,
    )


def _values(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


def utc_now() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)
