"""The durable queue for people: put a job in, look at it, stop it, try it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from loop_core.clock import now
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.frames import to_json
from loop_core.jobs.kinds import FOUNDING, KINDS
from loop_core.jobs.params import check_params
from loop_core.jobs.view import JobStatus, JobView, iso, job_view
from loop_core.ledger import refuse_unseen
from loop_core.ledger.database import explained, writing
from loop_core.ledger.fold import CHAMPION_KINDS
from loop_core.ledger.schema import jobs as table
from loop_core.people import require_name
from loop_core.workspace import Workspace

_OPEN = (JobStatus.QUEUED.value, JobStatus.RUNNING.value)
#: Ledger entries after which the same job is another: under another charter, beside another model.
_BASES = ("charter.changed", *CHAMPION_KINDS)


def enqueue(
    ws: Workspace,
    loop: str,
    kind: str,
    params: Mapping[str, Any],
    actor: str,
    *,
    max_attempts: int = 3,
    seen: int | None = None,
) -> int:
    """Queue a job for whichever worker is free. The same job, still waiting or running, is not queued twice.

    Args:
        ws: the workspace.
        loop: name of the loop; of a kind in `FOUNDING`, the one it will make.
        kind: a key of `KINDS`.
        params: what the body needs, JSON types (instants and enums are written as text). Without `as_of` the
            loop's present is taken, once and for all attempts (a loop that is not there yet has none).
        actor: who asks.
        max_attempts: workers that may die on it before it is failed.
        seen: length of the ledger when the loop was shown; None: nobody was shown anything.

    Returns:
        The job's id.

    Raises:
        UnknownNameError: no such kind or loop. RefusedError: params are no JSON, or not what the kind takes; another model
            serves, or another charter is in force, than was seen.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of job", kind, KINDS)
    check_params(kind, params)
    require_name(actor)
    if seen is not None:
        bases = [entry for name in _BASES for entry in ws.ledger.entries(loop=loop, kind=name)]
        refuse_unseen(f"what {loop} rests on", sorted(bases, key=lambda entry: entry.seq), seen)
    pinned = dict(params) if kind in FOUNDING else {"as_of": ws.loop(loop).present(now()), **params}
    try:
        text = json.dumps(to_json(pinned), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RefusedError(
            f"The job's params are no JSON ({error})", "text, numbers, lists, instants", "correct them"
        ) from None
    with writing(ws.ledger.engine) as connection:
        known = _open_twin(connection, loop, kind, text)
        if known is not None:
            return known
        new = {"loop": loop, "kind": kind, "params": text, "actor": actor, "max_attempts": max_attempts}
        fresh = {"status": JobStatus.QUEUED.value, "message": "Waiting for a worker", "created_at": iso(now())}
        inserted = connection.execute(insert(table).values(**new, **fresh)).inserted_primary_key
        assert inserted is not None
        return int(inserted[0])


def job(ws: Workspace, job_id: int) -> JobView:
    """One job. UnknownNameError when there is none of that id."""
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        return _one(connection, job_id)


def list_jobs(
    ws: Workspace, *, loop: str | None = None, status: JobStatus | None = None, limit: int = 50
) -> list[JobView]:
    """The newest jobs first, of one loop and status if given."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if loop is not None:
        query = query.where(table.c.loop == loop)
    if status is not None:
        query = query.where(table.c.status == JobStatus(status).value)
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        return [job_view(row) for row in connection.execute(query).mappings()]


def stop(ws: Workspace, job_id: int, *, actor: str = "somebody", seen: JobView | None = None) -> JobView:
    """Ask a job to end: a waiting one ends now, a running one at its body's next look. A search looks many times a second; a
    comparison, a forecast, or a retrain that reads its rows ends the step in hand first, and may be done with it.

    Raises:
        UnknownNameError: no such job. RefusedError: it has ended already, or runs anew since it was seen.
    """
    with writing(ws.ledger.engine) as connection:
        found = _one(connection, job_id)
        if not found.open:
            raise RefusedError(f"Job {job_id} is {found.status} already", "a waiting or running job")
        if seen is not None and _run_anew(seen, found):
            raise RefusedError(f"Job {job_id} runs anew since you looked", todo="nothing was stopped; look again")
        values: dict[str, Any] = {"stop_requested": True, "message": f"{actor} asked to stop it"}
        if found.status is JobStatus.QUEUED:
            values |= {"status": JobStatus.STOPPED.value, "finished_at": iso(now()), "message": f"Stopped by {actor}"}
        connection.execute(update(table).where(table.c.id == job_id).values(**values))
        return _one(connection, job_id)


def retry(ws: Workspace, job_id: int, *, actor: str = "somebody", seen: JobView | None = None) -> JobView:
    """Queue a failed or stopped job again, with all its attempts; what it had stored (trials) counts.

    Raises:
        UnknownNameError: no such job. RefusedError: it is done, waiting or running, another one does the same, or it ended
            anew since it was seen.
    """
    with writing(ws.ledger.engine) as connection:
        found = _one(connection, job_id)
        if found.status not in (JobStatus.FAILED, JobStatus.STOPPED):
            raise RefusedError(f"Job {job_id} is {found.status}", "a failed or stopped job", "queue a new one")
        if seen is not None and seen.finished_at != found.finished_at:
            raise RefusedError(f"Job {job_id} ran since you looked: {found.message}", todo="look again, then decide")
        text = connection.execute(select(table.c.params).where(table.c.id == job_id)).scalar_one()
        twin = _open_twin(connection, found.loop, found.kind, text)
        if twin is not None:
            raise RefusedError(f"Job {twin} does the same already", "one at a time", f"wait for job {twin}")
        fresh = {"status": JobStatus.QUEUED.value, "attempts": 0, "stop_requested": False, "progress": 0.0}
        empty = dict.fromkeys(("error", "finished_at", "lease_owner", "lease_until"))
        message = f"Queued again by {actor}"
        connection.execute(update(table).where(table.c.id == job_id).values(**fresh, **empty, message=message))
        return _one(connection, job_id)


def _run_anew(seen: JobView, now: JobView) -> bool:
    """Whether somebody queued a job again after it was seen. Its next attempt, after its worker died, is the same run."""
    return (now.attempts, now.started_at) != (seen.attempts, seen.started_at) and now.attempts <= seen.attempts


def _open_twin(connection: Connection, loop: str, kind: str, params: str) -> int | None:
    """The job that waits or runs with the same params; None: there is none."""
    same = (table.c.loop == loop) & (table.c.kind == kind) & (table.c.params == params) & table.c.status.in_(_OPEN)
    found = connection.execute(select(table.c.id).where(same)).scalar()
    return None if found is None else int(found)


def _one(connection: Connection, job_id: int) -> JobView:
    row = connection.execute(select(table).where(table.c.id == job_id)).mappings().first()
    if row is None:
        newest = connection.execute(select(table.c.id).order_by(table.c.id.desc()).limit(10)).scalars()
        raise UnknownNameError("job", job_id, list(newest))
    return job_view(row)
