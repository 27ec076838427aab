"""Connectors, events and the log

Revision: 0001, the first
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feishu_ws_connector",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("app_secret", sa.Text(), nullable=False),
        sa.Column("verification_token", sa.Text(), nullable=True),
        sa.Column("encrypt_key", sa.Text(), nullable=True),
        sa.Column("proxy", sa.Text(), nullable=True),
        sa.Column("domain", sa.String(), nullable=True),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("approvers", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_connector")),
        sa.UniqueConstraint("app_id", name=op.f("uq_feishu_ws_connector_app_id")),
        sa.UniqueConstraint("name", name=op.f("uq_feishu_ws_connector_name")),
    )
    op.create_table(
        "feishu_ws_event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_event")),
        sa.UniqueConstraint("connector", "event_id", name=op.f("uq_feishu_ws_event_connector_event_id")),
        sa.UniqueConstraint("connector", "message_id", name=op.f("uq_feishu_ws_event_connector_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feishu_ws_event_received_at"), "feishu_ws_event", ["received_at"])
    op.create_index(op.f("ix_feishu_ws_event_state_id"), "feishu_ws_event", ["state", "id"])
    op.create_table(
        "feishu_ws_log",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feishu_ws_log_connector_id"), "feishu_ws_log", ["connector", "id"])
    op.create_index(op.f("ix_feishu_ws_log_message_id"), "feishu_ws_log", ["message_id"])
