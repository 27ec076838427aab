"""What requests to webhooks were signed with

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feishu_ws_nonce",
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector", "nonce", name=op.f("pk_feishu_ws_nonce")),
    )
    op.create_index(op.f("ix_feishu_ws_nonce_taken_at"), "feishu_ws_nonce", ["taken_at"])
