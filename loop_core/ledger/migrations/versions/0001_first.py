"""The first schema: entries and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    text, name, instant = sa.Text(), sa.String(80), sa.String(40)
    op.create_table(
        "loopbench_entries",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("as_of", instant, nullable=False),
        sa.Column("loop", name, nullable=False),
        sa.Column("kind", name, nullable=False),
        sa.Column("subject", text, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("payload", text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("key", sa.String(200), unique=True),
    )
    op.create_index("loopbench_entries_by_kind", "loopbench_entries", ["loop", "kind"])
    op.create_table(
        "loopbench_jobs",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("loop", name, nullable=False),
        sa.Column("kind", name, nullable=False),
        sa.Column("params", text, nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("message", text, nullable=False),
        sa.Column("result", text),
        sa.Column("error", text),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", text),
        sa.Column("lease_until", instant),
        sa.Column("heartbeat_at", instant),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("started_at", instant),
        sa.Column("finished_at", instant),
    )
    op.create_index("loopbench_jobs_by_status", "loopbench_jobs", ["status", "id"])


def downgrade() -> None:
    op.drop_table("loopbench_jobs")
    op.drop_table("loopbench_entries")
