"""Long work that survives: a durable queue in the ledger's database, leases with heartbeats, workers."""

from loop_core.jobs.kinds import FOUNDING, KINDS
from loop_core.jobs.lease import claim, fail, finish, heartbeat
from loop_core.jobs.queue import enqueue, job, list_jobs, retry, stop
from loop_core.jobs.view import JobStatus, JobView
from loop_core.jobs.worker import Worker

__all__ = [
    "FOUNDING",
    "KINDS",
    "JobStatus",
    "JobView",
    "Worker",
    "claim",
    "enqueue",
    "fail",
    "finish",
    "heartbeat",
    "job",
    "list_jobs",
    "retry",
    "stop",
]
