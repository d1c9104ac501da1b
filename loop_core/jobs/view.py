"""One job as everybody sees it, and how it lies in the ledger's database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from loop_core.vocabulary import State


class JobStatus(StrEnum):
    """Where a job is in its life.

    Queries take its plain `.value`: what SQLAlchemy does with an enum looks into modules that another thread may
    just be importing.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class JobView:
    """One job at the moment it was read."""

    id: int
    loop: str
    kind: str
    """A key of `KINDS`."""
    params: dict[str, Any]
    """Plain JSON; with `as_of` pinned when it was queued (but for founding kinds), so a resumed job sees the same instant."""
    actor: str
    """Who asked for it; what it does is recorded under this name."""
    status: JobStatus
    progress: float
    """Share done, 0..1."""
    message: str
    """One sentence on where it is."""
    result: dict[str, Any] | None
    """What the body returned; None until done."""
    error: str | None
    """Why it failed, for people; None otherwise."""
    attempts: int
    """How often a worker took it."""
    max_attempts: int
    """After this many workers died or stumbled on it, it is failed."""
    lease_owner: str | None
    """The worker that has it."""
    lease_until: datetime | None
    """Running: until when without a heartbeat it is its worker's. Queued: not before this."""
    heartbeat_at: datetime | None
    stop_requested: bool
    created_at: datetime
    started_at: datetime | None
    """When a worker last took it."""
    finished_at: datetime | None

    @property
    def doubtful(self) -> bool:
        """Done, and what came of it wants a look: its result says *watch*."""
        return self.status is JobStatus.DONE and (self.result or {}).get("state") == State.WATCH.value

    @property
    def open(self) -> bool:
        """Queued or running."""
        return self.status in (JobStatus.QUEUED, JobStatus.RUNNING)


def job_view(row: RowMapping) -> JobView:
    """A row of the jobs table → JobView."""
    values = dict(row)
    for name in ("lease_until", "heartbeat_at", "created_at", "started_at", "finished_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    values["status"] = JobStatus(values["status"])
    values["stop_requested"] = bool(values["stop_requested"])
    values["params"] = json.loads(values["params"])
    values["result"] = json.loads(values["result"]) if values["result"] else None
    return JobView(**values)


def iso(moment: datetime) -> str:
    """An instant as the table stores it: UTC with microseconds, so that texts sort as the instants do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
