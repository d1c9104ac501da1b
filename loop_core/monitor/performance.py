"""Realised metrics by window of prediction time; a window with too few mature labels is pending, not a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Cohort
from loop_core.labels import known_at
from loop_core.lake import Reading
from loop_core.monitor.baseline import judged
from loop_core.monitor.losses import ROW_LOSSES
from loop_core.monitor.roc import auc_with_error
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]

#: Metrics of which less is worse.
UP_IS_GOOD = frozenset({"auc"})


@dataclass(frozen=True)
class PerformancePoint:
    """One metric in one window of predictions."""

    metric: str
    window_start: datetime
    window_end: datetime
    """Exclusive; windows go by the time of prediction."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    model_version: str | None
    """Who scored them, joined by ` + ` where several did."""
    value: float | None
    """The metric in its own unit; None: pending or not applicable."""
    ci_low: float | None
    """95 % interval (t for means over rows, DeLong for AUC)."""
    ci_high: float | None
    n: int
    """Labelled rows; while pending, those labelled so far."""
    mature_share: float
    """Share of the window's predictions whose label is known or overdue, 0..1."""
    state: State
    """`watch`/`alarm`: worse than the windows before let expect; `pending`: labels are still to come; `too_few`: they
    are in, and too few to judge."""
    length_days: int = 7
    """Length of the window: the charter's `window_days`, or for the long-term trend so many of them together."""
    shrunk: float | None = None
    """The value drawn towards everybody's by how little it is sure of itself; None: not in a cohort, or no value."""
    shrunk_ci_low: float | None = None
    """Its 95 % interval."""
    shrunk_ci_high: float | None = None
    small: bool = False
    """The cohort value has fewer labelled rows here than the charter asks of a cohort: read `shrunk`, not `value`."""


def performance(
    loop: Loop,
    as_of: datetime,
    *,
    cohort: str | None = None,
    metrics: Sequence[str] | None = None,
    weeks: int | None = None,
) -> list[PerformancePoint]:
    """Realised metrics of scored predictions, oldest window first.

    Args:
        loop: the loop.
        as_of: UTC instant; labels known later are not used.
        cohort: split by this declared cohort.
        metrics: names; None: those of the charter.
        weeks: only the newest windows; None: all.

    Raises:
        UnknownNameError: no such cohort.
    """
    group = loop.charter.cohort(cohort) if cohort else None
    names = tuple(metrics or (m.name for m in loop.charter.metrics))
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    reading = known_at(loop, as_of, since=windows.start(weeks))
    return list(_points(loop.charter, reading, windows, group, names))


_SELECTED = """select ({window})::smallint as w, {cohort} as c, model_version, score, label, mature from rows
    where score is not null and not isnan(score)"""


def _points(
    charter: Charter, reading: Reading, windows: Windows, cohort: Cohort | None, names: Sequence[str]
) -> Iterator[PerformancePoint]:
    sql = _SELECTED.format(window=windows.sql("predicted_at"), cohort=cohort.sql if cohort else "null::varchar")
    frame = reading.frame(sql, **windows.parameters())
    labelled = _by_group(frame)
    history: dict[tuple[str, str | None], list[float]] = {}
    for w, c, known, share, versions in _summary(frame).iter_rows():
        ready = share >= charter.labels.min_mature_share and known >= charter.monitor.min_rows
        (start, end), group = windows.span(w), cohort.name if cohort else None
        for name in names:
            found = _measure(name, *labelled[w, c]) if ready else None
            state = _state(charter, name, found, ready, history.setdefault((name, c), []))
            value, low, high = _interval(found)
            yield PerformancePoint(name, start, end, group, c, versions, value, low, high, known, share, state)


def _summary(frame: pl.DataFrame) -> pl.DataFrame:
    """(window, cohort value, labelled rows, mature share, versions), by time and value."""
    import polars as pl

    versions = pl.col("model_version").drop_nulls().unique().sort().str.join(" + ")
    parts = frame.group_by("w", "c").agg(pl.col("label").count(), pl.col("mature").mean(), versions)
    return parts.sort("w", "c", nulls_last=False)


def _by_group(frame: pl.DataFrame) -> dict[tuple[int, str | None], tuple[Floats, Floats]]:
    """(window, cohort value) → (labels, scores) of the labelled rows."""
    known = frame.select("w", "c", "label", "score").filter(frame["label"].is_not_null())
    parts = known.partition_by("w", "c", as_dict=True, include_key=False)
    return {(int(key[0]), key[1]): (part["label"].to_numpy(), part["score"].to_numpy()) for key, part in parts.items()}


def _measure(name: str, labels: Floats, scores: Floats) -> tuple[float, float, float] | None:
    """(value, standard error, degrees of freedom); None: not estimable."""
    if name == "auc":
        return auc_with_error(labels, scores)
    losses = ROW_LOSSES[name](labels, scores)
    return float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(len(losses))), float(len(losses) - 1)


def _interval(found: tuple[float, float, float] | None) -> tuple[float | None, float | None, float | None]:
    if found is None:
        return None, None, None
    from scipy.special import stdtrit

    value, se, freedom = found
    half = float(stdtrit(freedom, 0.975)) * se
    return value, value - half, value + half


def _state(
    charter: Charter, name: str, found: tuple[float, float, float] | None, ready: bool, before: list[float]
) -> State:
    """Judge the window against the quiet ones before it, and add it to them if it is quiet too."""
    if not ready:
        return State.PENDING
    if found is None:
        return State.NOT_APPLICABLE
    bad = -found[0] if name in UP_IS_GOOD else found[0]
    margin = next((m.margin for m in charter.metrics if m.name == name), 0.0)
    state = judged(bad, found[1], before, margin)
    if state is State.OK:
        # A lasting fall must not become the new usual.
        before.append(bad)
    return state
