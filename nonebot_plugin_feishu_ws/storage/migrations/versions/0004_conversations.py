"""Conversations, answers of a model that wait for people, and what they cost; turns that are merged, or worked on

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feishu_ws_conversation",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector", "chat_id", "thread_id", name=op.f("pk_feishu_ws_conversation")),
    )
    op.create_table(
        "feishu_ws_run",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("calls", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector", "event_id", name=op.f("pk_feishu_ws_run")),
    )
    op.create_index(op.f("ix_feishu_ws_run_state_connector"), "feishu_ws_run", ["state", "connector"])
    op.create_table(
        "feishu_ws_spending",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("open_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connector", "open_id", "day", name=op.f("pk_feishu_ws_spending")),
    )
    op.create_table(
        "feishu_ws_merged",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector", "event_id", name=op.f("pk_feishu_ws_merged")),
    )
    op.create_index(op.f("ix_feishu_ws_merged_connector_turn"), "feishu_ws_merged", ["connector", "turn"])
    op.create_table(
        "feishu_ws_turn",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector", "event_id", name=op.f("pk_feishu_ws_turn")),
    )
    op.create_index(op.f("ix_feishu_ws_turn_connector_chat_id"), "feishu_ws_turn", ["connector", "chat_id"])
