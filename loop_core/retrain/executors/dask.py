"""Trials on the workers of a Dask cluster, as many at once as they have threads.

The search stays here: it chooses parameters, stores each finished trial and looks at the clock. Workers are sent the
rows once, and then parameters; they write nothing and need no access to the workspace. Everything travels in memory
and, as usual with Dask, unencrypted and trusted: whoever reaches the scheduler can run code on the workers. (A Dask
worker short of memory may swap rows to its own scratch folder; `distributed.worker.memory` configures that.)

Trials end in another order each time, and what is sampled next depends on it, so equal searches find different
parameters here. From the parameters on nothing changes: the model is fitted on this machine, and its manifest gives
the same bytes again (`loop reproduce`), provided that the workers' processors compute as this machine's does.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from loop_core.errors import NotReadyError
from loop_core.retrain.apart import GLANCE, Apart, TrialFailedError
from loop_core.retrain.clock import OutOfTimeError
from loop_core.retrain.executors.base import Outcome, Task
from loop_core.retrain.executors.connection import asked, check_workers, connect, width_of
from loop_core.retrain.executors.crew import Crew, run
from loop_core.retrain.objective import Watch

if TYPE_CHECKING:
    from distributed import Client, Future

#: Seconds for saying goodbye to a scheduler that may not hear it; they come on top of the budget.
CLOSE_SECONDS = 0.5
#: How often a trial is sent again because every worker that held the rows is gone.
RESENDS = 3


class Cluster:
    """A connection to a Dask scheduler whose workers can do the work."""

    def __init__(self, address: str, watch: Watch) -> None:
        """
        Args:
            address: `dask://HOST:PORT` of the scheduler.
            watch: called many times a second while workers are asked.

        Raises:
            NotReadyError: Dask is not installed, the scheduler does not answer, it has no workers, or these have other
                libraries than this program.
        """
        self._address, self._client, self._watch = address, connect(address), watch
        try:
            check_workers(self._client, address, watch)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def executor(self, apart: Apart) -> OnDask:
        """For the trials of one search; what `apart` would do here is done on the workers."""
        width = width_of(self._client, self._watch)
        return OnDask(self._client, self._address, apart, width)

    def close(self) -> None:
        """Let go; workers end what still runs."""
        self._client.close(timeout=CLOSE_SECONDS)


class OnDask:
    """Sends trials to the workers and collects their outcomes."""

    def __init__(self, client: Client, address: str, apart: Apart, width: int) -> None:
        self._client, self._address, self._apart, self.width = client, address, apart, width
        self._crew = Crew(apart.evaluator, apart.memory_mb)
        self._rows: Future | None = None
        self._trials: dict[int, _Sent] = {}
        self._ready = False

    def submit(self, task: Task) -> None:
        """See `Executor.submit`; it is sent with the next `wait`."""
        self._trials[task.number] = _Sent(task)

    def wait(self, watch: Watch) -> Outcome:
        """See `Executor.wait`. Where a worker dies, Dask itself gives its trials to others, three times as a rule."""
        while True:
            watch()
            if self._connected():
                try:
                    outcome = self._next(watch)
                except Exception as error:
                    # A connection that breaks in the middle of a question is looked at in the next round.
                    if self._client.status == "running" and not isinstance(error, OSError):
                        raise
                else:
                    if outcome:
                        return outcome
            self._get_ready(watch)
            time.sleep(GLANCE)

    def drop(self) -> None:
        """See `Executor.drop`; workers see within a moment that nobody waits any more."""
        for sent in self._trials.values():
            if sent.future is not None:
                sent.future.release()
        self._trials.clear()

    def _get_ready(self, watch: Watch) -> None:
        """The process here, which fits the model in the end, starts while workers start theirs: the seconds kept for the
        fit are those of a trial."""
        if not self._ready:
            self._ready = True
            with suppress(TrialFailedError):
                self._apart.start(watch)

    def _connected(self) -> bool:
        """False: Dask is trying to get the connection back.

        Raises:
            NotReadyError: it has given up.
        """
        if self._client.status not in ("running", "connecting"):
            raise NotReadyError(
                f"The Dask scheduler at {self._address} went away",
                "one that stays while the search runs",
                "start it and its workers again, then the retrain: it goes on with its finished trials",
            )
        return bool(self._client.status == "running")

    def _next(self, watch: Watch) -> Outcome | None:
        for number, sent in list(self._trials.items()):
            outcome = self._look(sent, watch)
            if outcome:
                del self._trials[number]
                return outcome
        return None

    def _look(self, sent: _Sent, watch: Watch) -> Outcome | None:
        """What became of a trial; None: nothing yet."""
        number, future = sent.task.number, sent.future
        if future is None:
            self._send(sent, watch)
        elif future.status == "finished":
            return self._fetched(future, watch)
        elif future.status == "error":
            return Outcome(number, "fail", reason=_reason(future))
        elif future.status != "pending":
            # Lost with the rows: no worker that held them is left, or the scheduler was started anew.
            if sent.times > RESENDS:
                return Outcome(number, "fail", reason="every worker that it was sent to has ended")
            self._send(sent, watch)
        return None

    def _send(self, sent: _Sent, watch: Watch) -> None:
        if self._rows is None or self._rows.status != "finished":
            # To all workers at once, so that the rows are lost only with the last of them.
            sending = self._client.scatter(self._crew, broadcast=True, hash=False, timeout=1e6, asynchronous=True)
            self._rows = asked(self._client, sending, watch)
        sent.future = self._client.submit(run, self._rows, sent.task, pure=False)
        sent.times += 1
        self.width = width_of(self._client, watch)

    def _fetched(self, future: Future, watch: Watch) -> Outcome | None:
        try:
            outcome: Outcome | None = asked(self._client, self._client.gather(future, asynchronous=True), watch)
        except Exception:
            if future.status == "finished":
                raise
            # Its worker died before the result was here: the trial runs again.
            return None
        if outcome is None:
            raise OutOfTimeError
        return outcome


@dataclass
class _Sent:
    """A trial on its way."""

    task: Task
    future: Future | None = None
    """None: not sent yet."""
    times: int = 0
    """How often it was sent."""


def _reason(future: Future) -> str:
    from distributed import KilledWorker

    error = future.exception(timeout=CLOSE_SECONDS)
    return "the workers that it ran on ended" if isinstance(error, KilledWorker) else f"{type(error).__name__}: {error}"
