"""Where the trials of a search run: `local`, or on the workers of a Dask cluster (`dask` and `connection`, and `crew` on the far side)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loop_core.retrain.apart import Apart
from loop_core.retrain.executors.base import Executor, Outcome, Task
from loop_core.retrain.executors.local import Local
from loop_core.retrain.objective import Watch

__all__ = ["Executor", "Local", "Outcome", "Task", "reached"]


@contextmanager
def reached(place: str, watch: Watch) -> Iterator[Callable[[Apart], Executor]]:
    """See that trials can run where the charter says, before anything is spent.

    Args:
        place: the charter's `retrain.executor`: `local` or `dask://HOST:PORT`.
        watch: called many times a second while others are asked.

    Yields:
        What makes the executor of a search from the process that evaluates its trials here.

    Raises:
        NotReadyError: they cannot run there; the message says why.
    """
    if place == "local":
        yield Local
        return
    from loop_core.retrain.executors.dask import Cluster

    with Cluster(place, watch) as cluster:
        yield cluster.executor
