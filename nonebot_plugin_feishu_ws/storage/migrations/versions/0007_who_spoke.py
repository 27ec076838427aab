"""Who has spoken in a conversation

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "feishu_ws_conversation", sa.Column("people", sa.Text(), server_default="[]", nullable=False)
    )
