"""Streams with published change points: who notices a change, how late, and how often for nothing.

Each change is a loop of its own: a model learns from the concept before it, a reference of ten windows follows, then
quiet windows, then the change. What changes in most of these streams is how the label depends on the features, so that
measures of features cannot see it and the error rate can; that is what the table is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from loop_core.charter import Column, MonitorPlan
from loop_core.monitor.drift import METHODS
from loop_core.monitor.drift.domain import separate
from loop_core.monitor.drift.judge import judge
from loop_core.monitor.profiles import CategoryBins, NumberBins, Series
from loop_core.monitor.profiles.binning import LEVELS
from loop_core.vocabulary import State
from tests.monitor.drift.simulated import series

ROWS = 500
LEARNED, REFERENCE, QUIET, AFTER = 4, 10, 5, 4
"""Windows of each part; the learned and the rest of the concept before the change take less than its 10,000 rows."""
_PLAN = MonitorPlan()


@dataclass(frozen=True)
class Detection:
    """One change as one detector saw it."""

    delay: int | None
    """Rows from the change to the end of the first window in alarm; None: not noticed within 2,000 rows."""
    false_alarms: int
    """Quiet windows in alarm."""
    quiet_windows: int


def detections(file: Path, detector: str) -> Iterator[Detection]:
    """Every change of a stream that has enough rows around it; for the slow classifier, the second only."""
    rows = pl.read_csv(file).drop_nulls().rename(str.lower)
    gradual = "gradual" in file.name
    changes = (9_000, 19_500, 30_000) if gradual else (10_000, 20_000, 30_000)
    for change in changes[1:2] if detector == "domain classifier" else changes:
        start = change - ROWS * (LEARNED + REFERENCE + QUIET)
        part = rows[start : change + ROWS * AFTER]
        if start >= 0 and part.height == ROWS * (LEARNED + REFERENCE + QUIET + AFTER):
            alarms = DETECTORS[detector](_scored(part))
            yield _detection(alarms)


def _detection(alarms: np.ndarray) -> Detection:
    """(QUIET + AFTER,) whether each window is in alarm → what came of it."""
    after = np.flatnonzero(alarms[QUIET:])
    # The first windows have none before them that could confirm them.
    quiet = alarms[_PLAN.alarm_of - 1 : QUIET]
    return Detection(int((after[0] + 1) * ROWS) if len(after) else None, int(quiet.sum()), len(quiet))


def _scored(part: pl.DataFrame) -> pl.DataFrame:
    """The rows after those a model learned from, with its `score` and `wrong` (whether it erred)."""
    import lightgbm

    names = [name for name in part.columns if name != "class"]
    numbers, labels = part.select(names).to_numpy(), part["class"].to_numpy()
    learned = ROWS * LEARNED
    parameters = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbosity": -1, "deterministic": True}
    data = lightgbm.Dataset(numbers[:learned], labels[:learned], params={"verbosity": -1})
    scores = np.asarray(lightgbm.train(parameters, data, 40).predict(numbers[learned:], num_threads=1))
    wrong = ((scores > 0.5) != (labels[learned:] > 0.5)).astype(float)
    return part[learned:].drop("class").with_columns(score=pl.Series(scores), wrong=pl.Series(wrong))


def _series(rows: pl.DataFrame, name: str) -> Series:
    values = rows[name].to_numpy()
    if name == "wrong":
        table = np.array([[(w == 0).sum(), (w == 1).sum(), 0, 0, 0] for w in values.reshape(-1, ROWS)], dtype=float)
        return series(name, CategoryBins(("right", "wrong"), frozenset()), table[:REFERENCE], table[REFERENCE:])
    bins = NumberBins.learn(np.quantile(values[: REFERENCE * ROWS], LEVELS, method="inverted_cdf"))
    codes = np.searchsorted(bins.edges, values, side="left").reshape(-1, ROWS)
    table = np.array([np.bincount(w, minlength=len(bins.labels)) for w in codes], dtype=float)
    return series(name, bins, table[:REFERENCE], table[REFERENCE:])


def _by_features(method: str) -> Callable[[pl.DataFrame], np.ndarray]:
    def alarms(rows: pl.DataFrame) -> np.ndarray:
        found = [_series(rows, name) for name in rows.columns if name not in ("score", "wrong")]
        return judge(_PLAN, found, METHODS[method]).alarms.any(axis=0)

    return alarms


def _by(name: str) -> Callable[[pl.DataFrame], np.ndarray]:
    return lambda rows: judge(_PLAN, [_series(rows, name)], METHODS["psi"]).alarms[0]


def _by_domain(rows: pl.DataFrame) -> np.ndarray:
    """Windows by the classifier, one at a time: it is asked for on demand, and knows no rule of persistence."""
    features = rows.drop("score", "wrong")
    columns = [Column(name=n, type="number") for n in features.columns]
    windows = [features[k * ROWS : (k + 1) * ROWS] for k in range(REFERENCE + QUIET + AFTER)]
    usual, later = windows[:REFERENCE], windows[REFERENCE:]
    return np.array([separate(usual, now, columns).state is State.WATCH for now in later])


#: Name → (rows with score and errors, from the reference on) → (QUIET + AFTER,) alarms.
DETECTORS: dict[str, Callable[[pl.DataFrame], np.ndarray]] = {
    **{method: _by_features(method) for method in METHODS if method not in ("missing", "unseen")},
    "domain classifier": _by_domain,
    "prediction drift": _by("score"),
    "error rate": _by("wrong"),
}
