"""Workers, links, the outbox and approvals: several processes share the work

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _number() -> "sa.types.TypeEngine[int]":
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("feishu_ws_status", sa.Column("online", sa.Integer(), nullable=True))
    op.add_column("feishu_ws_status", sa.Column("online_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("suspected", "strangers"):
        column = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("feishu_ws_status", column)
    op.create_table(
        "feishu_ws_worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_worker")),
    )
    op.create_table(
        "feishu_ws_link",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("connections", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_heartbeat", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "worker", name=op.f("pk_feishu_ws_link")),
    )
    op.create_table(
        "feishu_ws_outbox",
        sa.Column("id", _number(), autoincrement=True, nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("uuid", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("reply_to", sa.String(), nullable=True),
        sa.Column("receive_id", sa.String(), nullable=True),
        sa.Column("receive_id_type", sa.String(), nullable=False),
        sa.Column("in_thread", sa.Boolean(), nullable=False),
        sa.Column("msg_type", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_outbox")),
        sa.UniqueConstraint("connector", "uuid", name=op.f("uq_feishu_ws_outbox_connector_uuid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_feishu_ws_outbox_connector_event_id"), "feishu_ws_outbox", ["connector", "event_id"]
    )
    op.create_index(op.f("ix_feishu_ws_outbox_created_at"), "feishu_ws_outbox", ["created_at"])
    op.create_index(op.f("ix_feishu_ws_outbox_state_id"), "feishu_ws_outbox", ["state", "id"])
    op.create_table(
        "feishu_ws_approval",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("arguments_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_approval")),
        sa.UniqueConstraint(
            "connector", "event_id", "call", name=op.f("uq_feishu_ws_approval_connector_event_id_call")
        ),
    )
    op.create_index(
        op.f("ix_feishu_ws_approval_finished_at_state"), "feishu_ws_approval", ["finished_at", "state"]
    )
    op.create_table(
        "feishu_ws_approvalcard",
        sa.Column("id", _number(), autoincrement=True, nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("receive_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("shown", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_approvalcard")),
        sa.UniqueConstraint("message_id", name=op.f("uq_feishu_ws_approvalcard_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feishu_ws_approvalcard_approval_id"), "feishu_ws_approvalcard", ["approval_id"])
