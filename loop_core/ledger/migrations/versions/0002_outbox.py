"""The outbox: messages about alerts, written in the same transaction as the entry they tell of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    text, name, instant = sa.Text(), sa.String(80), sa.String(40)
    op.create_table(
        "loopbench_outbox",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.String(200), nullable=False, unique=True),
        sa.Column("loop", name, nullable=False),
        sa.Column("alert", name, nullable=False),
        sa.Column("event", name, nullable=False),
        sa.Column("channel", name, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("body", text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("next_try_at", instant, nullable=False),
        sa.Column("lease_until", instant),
        sa.Column("last_error", text, nullable=False),
        sa.Column("sent_at", instant),
    )
    op.create_index("loopbench_outbox_by_status", "loopbench_outbox", ["status", "next_try_at"])


def downgrade() -> None:
    op.drop_table("loopbench_outbox")
