"""What the runs were worth: the loop's first metric on labels that matured, by step and over all, against the best
fixed schedule in hindsight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from loop_core.charter import WATCHED_OF, Charter
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.monitor.measure import rises
from loop_core.policies.past import Flags, Floats, Known, Past
from loop_core.policies.result import PolicyRun, WindowValue
from loop_core.policies.run import Run

#: With fewer steps their scatter says nothing.
MIN_STEPS = 3


@dataclass(frozen=True)
class Compared:
    """The runs, judged."""

    metric: str
    best_fixed: str
    runs: tuple[PolicyRun, ...]


def metric_of(charter: Charter) -> str:
    """The charter's first metric that adds up over rows, so that weeks do; else the first of its task."""
    names = [metric.name for metric in charter.watched]
    return next(name for name in (*names, *WATCHED_OF[charter.loop.task]) if name in ROW_LOSSES)


def compared(past: Past, moments: Sequence[datetime], as_of: datetime, runs: Sequence[Run]) -> Compared:
    """Judge runs that have answered every row.

    Args:
        past: the rows.
        moments: beginning of each step.
        as_of: labels as known then, of rows whose horizon has passed by then.
        runs: those with `policy.weeks` are fixed schedules.
    """
    metric, known = metric_of(past.loop.charter), past.settled(as_of)
    there = ~np.isnan(known.labels)
    ends = [*moments[1:], past.end]
    steps = np.repeat(np.arange(len(moments)), np.diff([past.place(moment) for moment in (*moments, past.end)]))
    table = _Table(metric, known, there, steps, list(zip(moments, ends, strict=True)))
    losses = {run.policy.name: ROW_LOSSES[metric](known.labels[there], run.scores[there]) for run in runs}
    fixed = [run.policy.name for run in runs if run.policy.weeks is not None]
    # Of equals the one that retrains less.
    best = min(reversed(fixed), key=lambda name: rises(metric, _value(metric, losses[name]) or 0.0))
    made = tuple(_run(past, run, table, losses[run.policy.name], losses[best]) for run in runs)
    return Compared(metric, best, made)


@dataclass(frozen=True)
class _Table:
    """Rows by step."""

    metric: str
    known: Known
    there: Flags
    """(n,) rows whose label counts."""
    steps: np.ndarray
    """(n,) step of each row."""
    spans: list[tuple[datetime, datetime]]

    def windows(self, losses: Floats) -> tuple[WindowValue, ...]:
        """Step by step."""
        counted = self.steps[self.there]
        found = []
        for k, (start, end) in enumerate(self.spans):
            inside = losses[counted == k]
            mature = self.known.mature[self.steps == k]
            share = float(mature.mean()) if len(mature) else 0.0
            found.append(WindowValue(start, end, _value(self.metric, inside), len(inside), share))
        return tuple(found)

    def interval(self, gaps: Floats, usual: Floats) -> tuple[float, float] | None:
        """95 % of the difference of two metrics, steps as units (Liang & Zeger 1986, by the delta method)."""
        from scipy.special import stdtrit

        counted = self.steps[self.there]
        units = np.unique(counted)
        if len(units) < MIN_STEPS:
            return None
        sums = np.bincount(counted, weights=gaps - gaps.mean())[units]
        slope = float(of_mean(self.metric, np.asarray(usual.mean()))[1])
        se = abs(slope) * float(np.sqrt((sums**2).sum() * len(units) / (len(units) - 1))) / len(gaps)
        half = float(stdtrit(len(units) - 1, 0.975)) * se
        return -half, half


def _run(past: Past, run: Run, table: _Table, losses: Floats, best: Floats) -> PolicyRun:
    value, usual = _value(table.metric, losses), _value(table.metric, best)
    difference = None if value is None or usual is None else value - usual
    around = table.interval(losses - best, best) if difference is not None else None
    return PolicyRun(
        name=run.policy.name,
        retrains=tuple(run.retrains),
        windows=table.windows(losses),
        value=value,
        n=len(losses),
        difference=difference,
        ci_low=difference + around[0] if around and difference is not None else None,
        ci_high=difference + around[1] if around and difference is not None else None,
        fit_seconds=round(sum(one.seconds for one in run.retrains), 3),
        granted_seconds=len(run.retrains) * past.loop.charter.retrain.seconds,
        notes=tuple(run.notes),
    )


def _value(metric: str, losses: Floats) -> float | None:
    return float(of_mean(metric, np.asarray(losses.mean()))[0]) if len(losses) else None
