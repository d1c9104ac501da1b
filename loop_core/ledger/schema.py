"""The ledger database's tables. Changing them takes a migration in `migrations/versions`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

#: Instants are ISO texts in UTC, so that an entry's hash does not depend on the database.
entries = Table(
    "loopbench_entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("as_of", String(40), nullable=False),
    Column("loop", String(80), nullable=False),
    Column("kind", String(80), nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("key", String(200), unique=True),
    Index("loopbench_entries_by_kind", "loop", "kind"),
)

jobs = Table(
    "loopbench_jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("loop", String(80), nullable=False),
    Column("kind", String(80), nullable=False),
    Column("params", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("message", Text, nullable=False, default=""),
    Column("result", Text),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("max_attempts", Integer, nullable=False, default=3),
    Column("lease_owner", Text),
    Column("lease_until", String(40)),
    Column("heartbeat_at", String(40)),
    Column("stop_requested", Boolean, nullable=False, default=False),
    Column("created_at", String(40), nullable=False),
    Column("started_at", String(40)),
    Column("finished_at", String(40)),
    Index("loopbench_jobs_by_status", "status", "id"),
)

#: Messages about alerts, enqueued in the transaction of the entry they tell of; see `loop_core.alerts.outbox`.
outbox = Table(
    "loopbench_outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message_id", String(200), nullable=False, unique=True),
    Column("loop", String(80), nullable=False),
    Column("alert", String(80), nullable=False),
    Column("event", String(80), nullable=False),
    Column("channel", String(80), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", String(40), nullable=False),
    Column("next_try_at", String(40), nullable=False),
    Column("lease_until", String(40)),
    Column("last_error", Text, nullable=False, default=""),
    Column("sent_at", String(40)),
    Index("loopbench_outbox_by_status", "status", "next_try_at"),
)
