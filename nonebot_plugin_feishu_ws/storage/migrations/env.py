"""Run by alembic, on a connection and with metadata it is handed; it imports nothing of the plugin.

A migration only ever adds (see storage/migrate.py) and never imports our types: what it did must not change
when they do.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum, TypeDecorator


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write the type beneath ours into generated migrations."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


given = context.config.attributes
context.configure(
    connection=given["connection"],
    target_metadata=given["metadata"],
    version_table=given["version_table"],
    render_item=render_item,
    render_as_batch=True,
    # A database may be shared: tables of others are none of our business.
    include_name=lambda name, kind, _parents: kind != "table" or str(name).startswith("feishu_ws_"),
)
with context.begin_transaction():
    context.run_migrations()
