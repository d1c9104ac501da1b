"""The loop over its past: week by week, with nothing known that was not known then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.cycle import CycleReport, Progress, run_cycle
from loop_core.errors import NotReadyError, RefusedError
from loop_core.release import first_release, serve
from loop_core.retrain import bootstrap, bootstrap_external
from loop_core.workspace import Loop

StopAsked = Callable[[], bool]


@dataclass(frozen=True)
class ReplayReport:
    """A replay, cycle by cycle."""

    loop: str
    start: datetime
    end: datetime
    served: int
    """Predictions answered by the champion of their time."""
    cycles: tuple[CycleReport, ...]
    stopped: bool
    """True: it was asked to stop; calling it again goes on where it stopped."""


def replay(
    loop: Loop,
    start: datetime,
    end: datetime,
    every: timedelta,
    *,
    actor: str,
    seed: int = 0,
    train: bool = True,
    progress: Progress | None = None,
    should_stop: StopAsked | None = None,
) -> ReplayReport:
    """Run the loop over its past with nothing known that was not known then.

    Predictions are answered by the champion of their time; outcomes and feedback are seen from their own times on;
    a cycle runs after each step. Where there is no champion, one is trained on what was known at `start`. Cycles
    that ran already are not run again, so a replay that was stopped or killed goes on where it was.
    """
    if start >= end or every <= timedelta(0):
        raise RefusedError(
            f"Replay from {start:%Y-%m-%d} to {end:%Y-%m-%d} every {every / timedelta(days=1):g} days",
            "from before to, and a positive step",
            "correct the dates",
        )
    if loop.champion(start) is None:
        first_champion(loop, until=start, actor=actor, seed=seed)
    done = {entry.as_of for entry in loop.entries("cycle.ran")}
    steps = _steps(start, end, every)
    cycles, served, stopped = [], 0, False
    for i, (since, until) in enumerate(steps):
        if should_stop is not None and should_stop():
            stopped = True
            break
        if progress is not None:
            progress(i / len(steps), f"{until:%Y-%m-%d}: cycle {i + 1} of {len(steps)}")
        if until not in done:
            served += serve(loop, since, until, actor=actor)
            cycles.append(run_cycle(loop, until, actor=actor, seed=seed, train=train))
    return ReplayReport(loop.name, start, end, served, tuple(cycles), stopped)


def _steps(start: datetime, end: datetime, every: timedelta) -> list[tuple[datetime, datetime]]:
    steps, since = [], start
    while since < end:
        until = min(since + every, end)
        steps.append((since, until))
        since = until
    return steps


def first_champion(
    loop: Loop,
    *,
    until: datetime | None = None,
    external: str | None = None,
    actor: str,
    seed: int = 0,
    progress: Progress | None = None,
) -> str:
    """A champion to start with, released at once because there is nothing to compare it with.

    Args:
        loop: a loop without a champion.
        until: train on what was known at this instant; the model serves from then on.
        external: instead, the name of a model of which only logged scores exist; it serves from its first score on.

    Returns:
        Its version.
    """
    if external is not None:
        first = loop.lake.rows(
            f"select min(moment) from (select min(predicted_at) as moment from {loop.table('predictions')} where model_version = $version"
            f" union all select min(scored_at) from {loop.table('scores')} where model_version = $version)",
            {"version": external},
        )[0][0]
        if first is None:
            raise NotReadyError(
                f"No score of {external!r} is in the lake", "predictions or scores logged by it", "ingest them first"
            )
        bootstrap_external(loop, external, actor=actor, as_of=first)
        first_release(loop, external, actor=actor, as_of=first, reason="serves already, elsewhere")
        return external
    if until is None:
        raise RefusedError("Neither `until` nor `external`", "one of them", "say where the first champion comes from")
    version = bootstrap(loop, until=until, as_of=until, actor=actor, seed=seed, progress=progress)
    first_release(loop, version, actor=actor, as_of=until)
    return version
