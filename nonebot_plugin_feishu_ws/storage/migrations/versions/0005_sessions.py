"""Who is signed in to the console

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feishu_ws_signin",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_signin")),
    )
    op.create_index(op.f("ix_feishu_ws_signin_expires_at"), "feishu_ws_signin", ["expires_at"])
    op.create_table(
        "feishu_ws_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feishu_ws_session")),
    )
    op.create_index(op.f("ix_feishu_ws_session_created_at"), "feishu_ws_session", ["created_at"])
    op.create_index(op.f("ix_feishu_ws_session_seen_at"), "feishu_ws_session", ["seen_at"])
