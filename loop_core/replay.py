"""The loop over its past: week by week, with nothing known that was not known then."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.cycle import CycleReport, Progress, ShouldStop, run_cycle
from loop_core.errors import NotReadyError, RefusedError, StoppedError
from loop_core.lake.times import happened
from loop_core.release import first_release, serve
from loop_core.retrain import bootstrap, bootstrap_external
from loop_core.workspace import Loop

#: Of a loop with so few predictions, a cycle asks many small questions and no large one.
FEW = 200_000


@dataclass(frozen=True)
class ReplayPlan:
    """What is replayed: a span of the past, step by step."""

    start: datetime
    """UTC instant of the first step's beginning; a first champion is trained on what was known then."""
    end: datetime
    """UTC instant at which the last step ends."""
    every: timedelta = timedelta(days=7)
    """Length of a step; a cycle runs at the end of each."""
    seed: int = 0
    """Of every retrain."""
    train: bool = True
    """False: decisions are recorded but no challenger is trained."""

    def __post_init__(self) -> None:
        if self.start >= self.end or self.every <= timedelta(0):
            raise RefusedError(
                f"Replay from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d} every {self.every / timedelta(days=1):g} days",
                "from before to, and a positive step",
                "correct the dates",
            )

    def steps(self) -> list[tuple[datetime, datetime]]:
        """(start, end) of each step in order, without gaps; the last one may be shorter.

        >>> from loop_core.clock import instant
        >>> [f"{end:%d}" for _, end in ReplayPlan(instant("2018-01-01"), instant("2018-01-10")).steps()]
        ['08', '10']
        """
        steps, since = [], self.start
        while since < self.end:
            until = min(since + self.every, self.end)
            steps.append((since, until))
            since = until
        return steps


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
    plan: ReplayPlan,
    *,
    actor: str,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ReplayReport:
    """Run the loop over its past with nothing known that was not known then.

    Predictions are answered by the champion of their time; outcomes and feedback are seen from their own times on;
    a cycle runs after each step. Where there is no champion, one is trained on what was known at the start. Cycles
    that ran already are not run again, so a replay that was stopped or killed goes on where it was.
    """
    if loop.champion(plan.start) is None:
        first_champion(loop, until=plan.start, actor=actor, seed=plan.seed)
    rows = loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0]
    with loop.lake.one_thread() if rows <= FEW else nullcontext():
        return _replayed(loop, plan, actor, progress, should_stop)


def _replayed(
    loop: Loop, plan: ReplayPlan, actor: str, progress: Progress | None, should_stop: ShouldStop | None
) -> ReplayReport:
    done = {entry.as_of for entry in loop.entries("cycle.ran")}
    steps = plan.steps()
    cycles, served, stopped = [], 0, False
    for i, (since, until) in enumerate(steps):
        if should_stop is not None and should_stop():
            stopped = True
            break
        if progress is not None:
            progress(i / len(steps), f"{until:%Y-%m-%d}: cycle {i + 1} of {len(steps)}")
        if until not in done:
            served += serve(loop, since, until, actor=actor)
            try:
                cycle = run_cycle(loop, until, actor=actor, seed=plan.seed, train=plan.train, should_stop=should_stop)
            except StoppedError:
                stopped = True
                break
            cycles.append(cycle)
    return ReplayReport(loop.name, plan.start, plan.end, served, tuple(cycles), stopped)


def replayable(loop: Loop, wall: datetime) -> tuple[datetime, datetime] | None:
    """A span worth replaying: from when a quarter of the predictions was there to train on, and their labels could be
    known, to the loop's present. None: without predictions, or all within one label horizon.

    Args:
        loop: a loop with signals.
        wall: the wall clock's UTC instant.
    """
    there = loop.span()
    if there is None:
        return None
    quarter = loop.lake.rows(f"select quantile_disc(predicted_at, 0.25) from {loop.table('predictions')}")[0][0]
    start = max(quarter, there[0] + timedelta(days=loop.charter.labels.horizon_days))
    end = min(there[1], wall)
    start, end = (moment.replace(hour=0, minute=0, second=0, microsecond=0) for moment in (start, end))
    return (start, end) if start < end else None


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
        first = _first_answer(loop, external)
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


def _first_answer(loop: Loop, version: str) -> datetime | None:
    """When a model first answered, strays before it was in use left out; None: it never did."""
    since = loop.busy_since(version)
    answers = f"select predicted_at as moment from {loop.table('predictions')} where model_version = $version"
    scores = f"select scored_at from {loop.table('scores')} where model_version = $version and {happened('scored_at')}"
    first: datetime | None = loop.lake.rows(
        f"select coalesce((select min(moment) from ({answers}) where moment >= $since), (select min(scored_at) from ({scores})))",
        {"version": version, "since": since},
    )[0][0]
    return first
