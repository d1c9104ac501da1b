"""Reaching a Dask scheduler, and asking it and its workers without losing sight of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from loop_core.errors import NotReadyError
from loop_core.retrain.apart import GLANCE
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.executors.crew import differing, libraries
from loop_core.retrain.objective import Watch

if TYPE_CHECKING:
    from distributed import Client

#: Seconds in which the scheduler must answer …
REACH_SECONDS = 5.0
#: … and its workers, which have to import this program first.
ANSWER_SECONDS = 30.0


def connect(address: str) -> Client:
    """Reach a scheduler.

    Raises:
        NotReadyError: Dask is not installed, or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise NotReadyError(
            f"The charter says executor = {address!r}, and Dask is not installed here",
            "the package `distributed`",
            "install `loopbench[dask]`, or set retrain.executor to `local`",
        ) from None
    try:
        return Client(address.replace("dask://", "tcp://", 1), timeout=REACH_SECONDS, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise NotReadyError(
            f"No Dask scheduler answers at {address} ({type(error).__name__})",
            "one that this machine can reach",
            "`dask scheduler` starts one; or correct retrain.executor, or set it to `local`",
        ) from None


def check_workers(client: Client, address: str, watch: Watch) -> None:
    """See that there are workers, and that a trial is worth the same on each.

    Raises:
        NotReadyError: there are none, they do not answer, or they have other libraries.
    """
    clock = Clock(ANSWER_SECONDS)

    def look() -> None:
        watch()
        clock.watch()()

    try:
        question = client.run(libraries, on_error="return", asynchronous=True)
        found: dict[str, Any] = asked(client, question, look)
    except OutOfTimeError:
        raise NotReadyError(
            f"Workers of the Dask scheduler at {address} do not answer",
            f"an answer within {ANSWER_SECONDS:g} s and the retrain's budget",
            "start them again, or set retrain.executor to `local`",
        ) from None
    if not found:
        raise NotReadyError(
            f"The Dask scheduler at {address} has no workers",
            "at least one",
            f"`dask worker {address.replace('dask://', 'tcp://', 1)} --nthreads 1` starts one",
        )
    here = libraries()
    for worker, there in sorted(found.items()):
        unlike = f"no Loopbench ({there})" if isinstance(there, Exception) else differing(here, there)
        if unlike:
            raise NotReadyError(
                f"The Dask worker {worker} has {unlike}",
                "workers with the libraries of this machine, else a trial's value depends on where it ran",
                "install the same lock file there",
            )


def width_of(client: Client, watch: Watch) -> int:
    """Threads of all workers; 1 while there are none, because others may come."""
    threads: dict[str, int] = asked(client, client.nthreads(asynchronous=True), watch)
    return max(1, sum(threads.values()))


def asked(client: Client, question: Coroutine[Any, Any, Any], watch: Watch) -> Any:
    """The answer to a question that Dask's own thread asks, with an eye on the clock meanwhile."""
    answer = asyncio.run_coroutine_threadsafe(question, client.loop.asyncio_loop)
    try:
        while not answer.done():
            watch()
            wait([answer], GLANCE)
        return answer.result()
    finally:
        answer.cancel()
