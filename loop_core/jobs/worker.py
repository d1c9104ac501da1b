"""Takes jobs one after another and runs them; any number of workers may share a workspace."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from types import TracebackType
from typing import Any

from sqlalchemy.exc import DBAPIError

from loop_core.errors import LoopbenchError, StoppedError, StorageError, panicked
from loop_core.jobs.kinds import KINDS, Body
from loop_core.jobs.lease import LEASE_SECONDS, claim, end_stopped, fail, finish, give_back, heartbeat
from loop_core.jobs.post import postman
from loop_core.jobs.view import JobView
from loop_core.workspace import Workspace

log = logging.getLogger(__name__)
#: Seconds between two writes of progress; the lease is renewed with each.
BEAT_SECONDS = 1.0
#: Seconds before a job that failed unexpectedly is tried again, doubled each time.
PAUSE_SECONDS = 2.0
#: The same where storage was away: three attempts then outlast a minute without it.
STORAGE_PAUSE_SECONDS = 25.0


class Worker:
    """One worker. `run` works in the calling thread; `shut_down` may be called from another thread or a signal."""

    def __init__(
        self,
        ws: Workspace,
        owner: str | None = None,
        *,
        kinds: Mapping[str, Body] = KINDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.ws, self.kinds, self.lease_seconds = ws, kinds, lease_seconds
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self._closing = threading.Event()

    def run(self, poll_seconds: float = 1.0, once: bool = False) -> int:
        """Take and run jobs until `shut_down`; alerts are escalated and sent meanwhile.

        Args:
            poll_seconds: how often to look when there is nothing to do.
            once: return when nothing is waiting instead of looking again.

        Returns:
            How many jobs were run.
        """
        count = 0
        with nullcontext() if once else postman(self.ws):
            while not self._closing.is_set():
                job = self._claim(once)
                if job is not None:
                    self._work(job)
                    count += 1
                elif once:
                    break
                else:
                    self._closing.wait(poll_seconds)
        return count

    def shut_down(self) -> None:
        """Finish soon: a running job goes back to the queue, where its stored progress counts."""
        self._closing.set()

    def _claim(self, once: bool) -> JobView | None:
        try:
            return claim(self.ws, self.owner, lease_seconds=self.lease_seconds)
        except StorageError:
            if once:
                raise
            # Storage that is away for a minute must not end the worker.
            log.warning("the queue cannot be read, trying again", exc_info=True)
            return None

    def _work(self, job: JobView) -> None:
        write = self._outcome(job)
        until = time.monotonic() + self.lease_seconds
        while True:
            try:
                write()
                return
            except StorageError:
                # Storage that is away must not end the worker. After the lease the job is free for whoever comes first,
                # and this outcome is nobody's any more; what the job stored counts.
                log.warning("the outcome of job %s cannot be written", job.id, exc_info=True)
                if time.monotonic() > until or self._closing.wait(BEAT_SECONDS):
                    return

    def _outcome(self, job: JobView) -> Callable[[], Any]:
        """Run a job → what writes how it ended."""
        with _Pulse(self.ws, job, self.lease_seconds) as pulse:

            def should_stop() -> bool:
                return self._closing.is_set() or pulse.ends.is_set()

            try:
                body = self.kinds[job.kind]
                result = body(self.ws, {**job.params, "loop": job.loop, "actor": job.actor}, pulse.report, should_stop)
            except StoppedError:
                # Not on request: shutting down; or the lease was lost, and then this changes nothing.
                return partial(end_stopped if pulse.stop_requested else give_back, self.ws, job)
            except LoopbenchError as error:
                # What is wrong with the data or the call stays wrong; only storage may come back.
                again_in = _pause(job, error) if isinstance(error, StorageError) else None
                return partial(fail, self.ws, job, str(error), again_in=again_in)
            except Exception as error:
                log.exception("job %s (%s) failed", job.id, job.kind)
                return partial(fail, self.ws, job, f"{type(error).__name__}: {error}", again_in=_pause(job, error))
            except BaseException as error:
                if panicked(error):
                    return partial(fail, self.ws, job, f"A library gave up: {error}", again_in=None)
                give_back(self.ws, job)
                raise
            return partial(finish, self.ws, job, result)


def _pause(job: JobView, error: Exception) -> float:
    first = STORAGE_PAUSE_SECONDS if _of_storage(error) else PAUSE_SECONDS
    return float(first * 2 ** (job.attempts - 1))


def _of_storage(error: BaseException | None) -> bool:
    """Whether a database or a disk is behind it, whoever put it into words."""
    if error is None:
        return False
    return isinstance(error, StorageError | OSError | DBAPIError) or _of_storage(error.__cause__)


class _Pulse:
    """The thread that renews a job's lease, writes its progress and hears the request to stop."""

    def __init__(self, ws: Workspace, job: JobView, lease_seconds: float) -> None:
        self._ws, self._job, self._lease_seconds = ws, job, lease_seconds
        self._said: tuple[float, str] = (job.progress, job.message)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"job-{job.id}-pulse", daemon=True)
        self.ends = threading.Event()
        """Set when the body should end: somebody asked, or the lease is lost."""
        self.stop_requested = False

    def report(self, share: float, sentence: str) -> None:
        """The body's progress callback; written with the next beat."""
        self._said = (min(max(float(share), 0.0), 1.0), sentence)

    def __enter__(self) -> _Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(min(BEAT_SECONDS, self._lease_seconds / 4)):
            share, sentence = self._said
            try:
                seen: Any = heartbeat(
                    self._ws, self._job, progress=share, message=sentence, lease_seconds=self._lease_seconds
                )
                renewed = time.monotonic()
            except Exception:
                # Whatever it is, the next beat may succeed; without any the lease ends and another worker takes over.
                log.warning("the heartbeat of job %s was not written", self._job.id, exc_info=True)
                if time.monotonic() - renewed < self._lease_seconds:
                    continue
                seen = None
            if seen is None or seen.stop_requested:
                self.stop_requested = seen is not None
                self.ends.set()
                if seen is None:
                    return
