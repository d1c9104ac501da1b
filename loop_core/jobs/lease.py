"""The queue for workers: take a job for a while, keep it by heartbeats, give it back with an outcome.

A job belongs to a worker until its lease ends. A worker that is killed stops renewing, and the next one takes the
job over. Every step of a worker names its lease, so one that was away too long cannot overwrite its successor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from loop_core.clock import now
from loop_core.jobs.view import JobStatus, JobView, iso, job_view
from loop_core.ledger.database import writing
from loop_core.ledger.schema import jobs as table
from loop_core.workspace import Workspace

#: Seconds without a heartbeat after which a worker counts as dead.
LEASE_SECONDS = 30.0


def claim(
    ws: Workspace, owner: str, *, lease_seconds: float = LEASE_SECONDS, at: datetime | None = None
) -> JobView | None:
    """Take the next job: waiting, or left by a dead worker. None when there is nothing to do.

    Fair between loops: the loop with the fewest running jobs goes first, then the one served longest ago, then age.
    The choice and the taking are one transaction under the ledger's write lock, so no two workers take one job.

    Args:
        ws: the workspace.
        owner: name of the worker, unique in the world.
        lease_seconds: how long it is the owner's without a heartbeat.
        at: the instant; None: now.
    """
    with writing(ws.ledger.engine) as connection:
        # Read here, and not before: waiting for the lock must not use up the lease.
        moment = at or now()
        _bury(connection, moment)
        candidates = connection.execute(select(table).where(_free(moment)).order_by(table.c.id)).mappings().all()
        if not candidates:
            return None
        chosen = _fairest(connection, [job_view(row) for row in candidates], moment)
        again = f"Taken over: its worker died (attempt {chosen.attempts + 1} of {chosen.max_attempts})"
        values = {
            "status": JobStatus.RUNNING.value,
            "lease_owner": owner,
            "lease_until": iso(moment + timedelta(seconds=lease_seconds)),
            "heartbeat_at": iso(moment),
            "started_at": iso(moment),
            "attempts": chosen.attempts + 1,
            "message": again if chosen.status is JobStatus.RUNNING else "Started",
        }
        connection.execute(update(table).where(table.c.id == chosen.id).values(**values))
        return job_view(connection.execute(select(table).where(table.c.id == chosen.id)).mappings().one())


def heartbeat(
    ws: Workspace,
    job: JobView,
    *,
    progress: float,
    message: str,
    lease_seconds: float = LEASE_SECONDS,
    at: datetime | None = None,
) -> JobView | None:
    """Renew the lease and write the progress. None: the job is not this worker's any more."""

    def values() -> dict[str, Any]:
        moment = at or now()
        until = iso(moment + timedelta(seconds=lease_seconds))
        return {"heartbeat_at": iso(moment), "lease_until": until, "progress": progress, "message": message}

    return _update(ws, job, values)


def finish(ws: Workspace, job: JobView, result: Mapping[str, Any]) -> JobView | None:
    """End a job well; what came of it is its last message, where the body has a `sentence` for that.

    None: it was not this worker's any more, and nothing was written.
    """
    text = json.dumps(dict(result), sort_keys=True)
    return _end(ws, job, JobStatus.DONE, progress=1.0, message=str(result.get("sentence", "Done")), result=text)


def fail(ws: Workspace, job: JobView, error: str, *, again_in: float | None = None) -> JobView | None:
    """End a job badly, or queue it again while it has attempts left.

    Args:
        ws, job: whose job.
        error: why, for people.
        again_in: seconds until the next attempt; None: another attempt would say the same.
    """
    if again_in is None or job.attempts >= job.max_attempts:
        tries = f" after {job.attempts} attempts" if job.attempts > 1 else ""
        return _end(ws, job, JobStatus.FAILED, message=f"Failed{tries}", error=error)
    message = f"Attempt {job.attempts} of {job.max_attempts} failed, will be tried again: {error}"
    return _requeue(ws, job, message=message, lease_until=iso(now() + timedelta(seconds=again_in)))


def end_stopped(ws: Workspace, job: JobView) -> JobView | None:
    """End a job because somebody asked to."""
    return _end(ws, job, JobStatus.STOPPED, message="Stopped on request")


def give_back(ws: Workspace, job: JobView) -> JobView | None:
    """Queue a job again because its worker shuts down; that attempt does not count."""
    return _requeue(ws, job, message="Waiting for a worker", attempts=max(job.attempts - 1, 0), lease_until=None)


def _free(moment: datetime) -> Any:
    """Waiting (a failed attempt's pause over), or running with its lease run out."""
    due = table.c.lease_until.is_(None) | (table.c.lease_until <= iso(moment))
    return table.c.status.in_((JobStatus.QUEUED.value, JobStatus.RUNNING.value)) & due


def _bury(connection: Connection, moment: datetime) -> None:
    """End the running jobs of dead workers that were to be stopped, or that killed their last worker."""
    dead = (table.c.status == JobStatus.RUNNING.value) & (table.c.lease_until <= iso(moment))
    stopped = {"status": JobStatus.STOPPED.value, "message": "Stopped on request", "finished_at": iso(moment)}
    connection.execute(update(table).where(dead & table.c.stop_requested.is_(True)).values(**stopped))
    failed = {
        "status": JobStatus.FAILED.value,
        "message": "Failed: every worker that took it died",
        "error": "Its worker was killed on every attempt (out of memory?). "
        "To do: look at the machine, make the job smaller, then retry it.",
        "finished_at": iso(moment),
    }
    connection.execute(update(table).where(dead & (table.c.attempts >= table.c.max_attempts)).values(**failed))


def _fairest(connection: Connection, candidates: Collection[JobView], moment: datetime) -> JobView:
    alive = (table.c.status == JobStatus.RUNNING.value) & (table.c.lease_until > iso(moment))
    running = Counter(connection.execute(select(table.c.loop).where(alive)).scalars())
    served = select(table.c.loop, func.max(table.c.started_at)).group_by(table.c.loop)
    last: dict[str, str | None] = {row[0]: row[1] for row in connection.execute(served)}
    return min(candidates, key=lambda job: (running[job.loop], last[job.loop] or "", job.id))


def _end(ws: Workspace, job: JobView, status: JobStatus, **values: Any) -> JobView | None:
    return _update(ws, job, lambda: {"status": status.value, "finished_at": iso(now()), "lease_until": None, **values})


def _requeue(ws: Workspace, job: JobView, **values: Any) -> JobView | None:
    return _update(ws, job, lambda: {"status": JobStatus.QUEUED.value, "lease_owner": None, **values})


def _update(ws: Workspace, job: JobView, values: Callable[[], Mapping[str, Any]]) -> JobView | None:
    """Change a job only while the lease it was taken under holds (owner and attempt are the fence). The values are asked for
    when the lock is held: waiting for it must not use up a lease."""
    fence = (table.c.id == job.id) & (table.c.status == JobStatus.RUNNING.value)
    fence &= (table.c.lease_owner == job.lease_owner) & (table.c.attempts == job.attempts)
    with writing(ws.ledger.engine) as connection:
        if connection.execute(update(table).where(fence).values(**values())).rowcount != 1:
            return None
        return job_view(connection.execute(select(table).where(table.c.id == job.id)).mappings().one())
