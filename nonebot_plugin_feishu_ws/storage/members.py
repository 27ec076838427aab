"""`IN`, for as many values as there are connectors."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def one_of(column: SQLColumnExpression[str], values: Collection[str]) -> ColumnElement[bool]:
    """Whether it is one of the values, which are one parameter of the statement: a placeholder for each of 2,000 costs
    SQLAlchemy 5 ms, and there are looks every second that ask for all connectors of a process.
    """
    return column.bool_op("IN")(_Elements(literal(json.dumps(list(values)), Text)))


class _Elements(FunctionElement[str]):
    """The strings of a JSON array, as a subquery."""

    inherit_cache = True
    name = "elements"


@compiles(_Elements, "sqlite")
def _on_sqlite(elements: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    placeholder = compiler.process(elements.clauses, **options)
    return f"(SELECT value FROM json_each({placeholder}))"  # noqa: S608 - no value is in it


@compiles(_Elements, "postgresql")
def _on_postgresql(elements: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    placeholder = compiler.process(elements.clauses, **options)
    return f"(SELECT jsonb_array_elements_text(CAST({placeholder} AS JSONB)))"
