"""Several policies over the same past, side by side with the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.errors import NotReadyError, RefusedError, StoppedError
from loop_core.policies.cache import Cache
from loop_core.policies.compared import Compared, compared
from loop_core.policies.learner import TREES, Learner
from loop_core.policies.past import Past
from loop_core.policies.policy import FIXED_WEEKS, Policy, baselines, check_policy, fixed
from loop_core.policies.result import PolicyReplay, PolicyRun
from loop_core.policies.run import Run
from loop_core.policies.seen import Seen
from loop_core.workspace import Loop

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]

#: Rows of a span whose questions are small.
FEW = 200_000
NOTES = (
    "Every retrain is one fit with default parameters and a fixed number of trees; a real one searches.",
    "Its model serves at once; a real one is compared with the champion and approved first.",
    "Estimated metrics are not replayed: a trigger that waits for them alone never fires here.",
)


@dataclass(frozen=True)
class ReplayRequest:
    """What is replayed."""

    start: datetime
    """UTC instant: all policies begin here, with the model that could be trained then."""
    end: datetime
    """UTC instant at which the last step ends."""
    as_of: datetime
    """UTC instant as of which labels are known to the result."""
    every: timedelta = timedelta(days=7)
    """Time between evaluations."""
    fixed_weeks: tuple[int, ...] = FIXED_WEEKS
    """Fixed schedules among which the best in hindsight is found, besides every week."""
    seed: int = 0
    """Of every fit."""
    trees: int = TREES
    """Of every fit."""

    def __post_init__(self) -> None:
        if self.start >= self.end or self.every <= timedelta(0) or self.end > self.as_of:
            raise RefusedError(
                f"Policies from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d} every {self.every / timedelta(days=1):g} days, judged as of {self.as_of:%Y-%m-%d}",
                "from before to, to not after as of, and a positive step",
                "correct the dates",
            )
        if self.trees < 1 or any(weeks < 1 for weeks in self.fixed_weeks):
            raise RefusedError(
                f"{self.trees} trees, schedules of {', '.join(map(str, self.fixed_weeks))} weeks",
                "one of each at least",
                "raise them",
            )

    def moments(self) -> list[datetime]:
        """The evaluations, oldest first, the start among them; each step ends with the next one, or with the end."""
        count = -(-(self.end - self.start) // self.every)
        return [self.start + k * self.every for k in range(count)]


def replay_policies(
    loop: Loop,
    policies: Sequence[Policy],
    request: ReplayRequest,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> PolicyReplay:
    """What policies, `never`, `every_week` and fixed schedules would have done over a span of the past.

    A pure what-if: it reads the lake through `known_at` and writes neither to lake nor to ledger. At each evaluation a
    policy sees what was known then, drift against the training rows of its own model and the performance of its own
    answers included. Fits and findings are kept in the workspace's cache, so a second call is cheap.

    Args:
        loop: the loop; need not have a champion.
        policies: to be tried; names of baselines are taken.
        request: the span, and how the models are made.
        progress: told of each evaluation.
        should_stop: asked at each evaluation.

    Raises:
        CharterError: a trigger could never fire in this loop.
        NotReadyError: no model could be trained at the start.
        RefusedError: two policies of one name, features no model can learn from.
        StoppedError: `should_stop` said so; what was fitted stays in the cache.
    """
    wanted = [*policies, *baselines(), *fixed(request.fixed_weeks)]
    names = [policy.name for policy in wanted]
    if len(set(names)) < len(names):
        raise RefusedError(f"Policies named {', '.join(names)}", "each name once", "name them otherwise")
    for policy in policies:
        check_policy(loop.charter, policy)
    snapshot, cache = loop.lake.snapshot(), Cache(loop)
    past = Past.of(loop, snapshot, request.start, request.end)
    learner, seen = Learner(loop, snapshot, request.seed, request.trees, cache), Seen(loop, snapshot, cache)
    runs = [Run(policy, past, learner, seen) for policy in wanted]
    say, stop = progress or (lambda share, sentence: None), should_stop or (lambda: False)
    # Many small questions, as in `loop_core.replay`.
    with loop.lake.one_thread() if len(past.at) <= FEW else nullcontext():
        _through(runs, past, request, say, stop)
    cache.trim()
    result = compared(past, request.moments(), request.as_of, runs)
    if all(run.value is None for run in result.runs):
        raise NotReadyError(
            f"No label of {request.start:%Y-%m-%d} to {request.end:%Y-%m-%d} has matured by {request.as_of:%Y-%m-%d}",
            "a span whose answers can be judged",
            "replay an earlier or a longer one",
        )
    sampled = f"Judged on a sample of {len(past.at):,} of {past.predictions:,} predictions."
    return _result(loop, request, snapshot, result, (*NOTES, sampled) if len(past.at) < past.predictions else NOTES)


def _through(runs: Sequence[Run], past: Past, request: ReplayRequest, say: Progress, stop: ShouldStop) -> None:
    moments = request.moments()
    watched = any(run.watches_performance for run in runs)
    for k, moment in enumerate(moments):
        if stop():
            raise StoppedError("The replay was stopped on request", "", "start it again; what was fitted is kept")
        say(k / len(moments), f"{moment:%Y-%m-%d}: evaluation {k + 1} of {len(moments)}")
        with past.loop.lake.one_snapshot():
            known = past.known(moment) if watched and k else None
            for run in runs if k else ():
                run.decide(moment, known)
        for run in runs:
            run.serve(moments[k + 1] if k + 1 < len(moments) else request.end)


def _result(loop: Loop, request: ReplayRequest, snapshot: int, found: Compared, notes: tuple[str, ...]) -> PolicyReplay:
    runs: tuple[PolicyRun, ...] = found.runs
    return PolicyReplay(
        loop=loop.name,
        metric=found.metric,
        start=request.start,
        end=request.end,
        every_days=request.every / timedelta(days=1),
        as_of=request.as_of,
        seed=request.seed,
        trees=request.trees,
        snapshot=snapshot,
        charter_hash=loop.charter.hash,
        best_fixed=found.best_fixed,
        runs=runs,
        notes=notes,
    )
