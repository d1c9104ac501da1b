"""Metrics of every window, pending ones included, as far as they can be told without labels (CBPE, DLE)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.charter import Charter
from loop_core.labels import read_at
from loop_core.monitor.cut import OTHER, Cut
from loop_core.monitor.estimate.base import Method, Told
from loop_core.monitor.estimate.expected import Expected
from loop_core.monitor.estimate.methods import METHODS
from loop_core.monitor.estimate.point import EstimatedPoint
from loop_core.monitor.estimate.reference import Calibrated, Known, references
from loop_core.monitor.measure import UP_IS_GOOD
from loop_core.monitor.settled import by_window
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


def estimated_performance(
    loop: Loop,
    as_of: datetime,
    *,
    cohort: str | tuple[str, ...] | None = None,
    metrics: Sequence[str] | None = None,
    weeks: int | None = None,
) -> list[EstimatedPoint]:
    """Estimated metrics of scored predictions, oldest window first; labels are used only to calibrate.

    Each version's scores are calibrated on its own first mature windows (see `references`), each cohort value's on
    its own rows where there are 300 of them.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        cohort: split by this declared cohort, or by a pair: `("a", "b")` or `"a × b"`.
        metrics: names; None: those of the charter.
        weeks: only the newest windows; None: all.

    Raises:
        UnknownNameError: no such cohort or metric.
    """
    cut, names = Cut.of(loop.charter, cohort), tuple(metrics or (m.name for m in loop.charter.watched))
    known = Known.at(loop, as_of)
    first = known.windows.number(known.windows.start(weeks))
    frame = _scores(known, cut, [w for w, _ in known.summaries if w >= first])
    fitted = references(known, cut, names, set(frame["v"])) if frame.height else {}
    method = METHODS[loop.charter.loop.task]
    return list(_points(loop.charter, known.windows, cut, names, _windows(method, frame, fitted)))


_SCORED = """select *, ({window})::smallint as w, {cohort} as c, model_version as v from predictions
    where score is not null and isfinite(score) and predicted_at >= $first and predicted_at < $last"""


def _scores(known: Known, cut: Cut, numbers: Sequence[int]) -> pl.DataFrame:
    """Rows of windows as the task's method reads them; the values beyond the largest `max_values` put together."""
    import polars as pl

    found = by_window(
        known.loop, known.stamps, ("scores", cut), numbers, lambda first, last: _read(known, cut, first, last)
    )
    if not found:
        return pl.DataFrame({"w": [], "c": [], "v": []})
    frame = pl.concat([part.select(pl.lit(w).alias("w"), pl.all()) for w, part in found.items()])
    if not cut.cohorts or frame["c"].n_unique() <= cut.max_values:
        return frame
    sizes = frame.group_by("c").agg(pl.col("n").sum()).sort("n", "c", descending=[True, False])
    kept = sizes.head(cut.max_values)["c"].implode()
    return frame.with_columns(pl.when(pl.col("c").is_in(kept)).then(pl.col("c")).otherwise(pl.lit(OTHER)).alias("c"))


def _read(known: Known, cut: Cut, first: int, last: int) -> dict[int, pl.DataFrame]:
    windows = known.windows
    span = {"first": windows.span(first)[0], "last": windows.span(last)[1]}
    reading = read_at(known.loop, known.as_of, since=span["first"])
    reading = reading.with_views(scored=_SCORED.format(window=windows.sql("predicted_at"), cohort=cut.sql))
    select = METHODS[known.loop.charter.loop.task].select(known.loop.charter)
    frame = reading.frame(select, **span, **windows.parameters())
    parts = frame.partition_by("w", as_dict=True, include_key=False, maintain_order=True)
    return {int(w): part for (w,), part in parts.items()}


@dataclass(frozen=True)
class _Window:
    """One window's rows in one cohort value, with what is expected of each."""

    number: int
    value: str | None
    versions: tuple[str, ...]
    n: int
    told: Told | None
    """None: a version has no reference."""
    reference: Calibrated | None
    """Of the version that scored most rows."""


def _windows(method: Method, frame: pl.DataFrame, known: Mapping[str, Calibrated]) -> Iterator[_Window]:
    for (w, value), part in frame.partition_by("w", "c", as_dict=True, include_key=False, maintain_order=True).items():
        versions = part.partition_by("v", as_dict=True, include_key=False, maintain_order=True)
        most = max(versions, key=lambda v: float(versions[v]["n"].sum()))[0]
        n, names = round(part["n"].sum()), tuple(sorted(v for (v,) in versions if v))
        if any(v not in known for (v,) in versions):
            yield _Window(int(w), value, names, n, None, None)
            continue
        scored = [(known[v].estimator(value), rows) for (v,), rows in versions.items()]
        yield _Window(int(w), value, names, n, method.told(scored), known[most])


def _points(
    charter: Charter, windows: Windows, cut: Cut, names: tuple[str, ...], found: Iterator[_Window]
) -> Iterator[EstimatedPoint]:
    for one in found:
        for name in names:
            band = one.reference.bands.get((name, one.value)) if one.reference else None
            value = one.told.expected(name) if one.told is not None else None
            few = one.n < charter.monitor.min_rows
            state = State.TOO_FEW if few else _state(name, value, band)
            yield _point(charter, windows, cut.name, one, name, (value, band, state))


def _point(
    charter: Charter,
    windows: Windows,
    cohort: str | None,
    one: _Window,
    metric: str,
    told: tuple[Expected | None, tuple[float, float] | None, State],
) -> EstimatedPoint:
    value, band, state = told
    half = 1.959964 * value.se if value else 0.0
    return EstimatedPoint(
        metric=metric,
        window_start=windows.span(one.number)[0],
        window_end=windows.span(one.number)[1],
        cohort=cohort,
        cohort_value=one.value,
        model_version=" + ".join(one.versions) or None,
        value=value.value if value else None,
        ci_low=value.value - half if value else None,
        ci_high=value.value + half if value else None,
        threshold_low=band[0] if band else None,
        threshold_high=band[1] if band else None,
        n=one.n,
        state=state,
        note=_note(METHODS[charter.loop.task], one, value),
    )


def _note(method: Method, one: _Window, value: Expected | None) -> str:
    if one.reference is None:
        return "No estimate: the labels of no window are mature yet that an estimate could be learnt from."
    if value is None:
        return "No estimate: one class is not to be expected at all."
    span = f"{one.reference.start:%Y-%m-%d} to {one.reference.end:%Y-%m-%d}"
    whose = "its own predictions" if one.reference.own else "those that were served before it"
    return f"{method.assumption} Learnt from {whose}, {span}."


def _state(metric: str, value: Expected | None, band: tuple[float, float] | None) -> State:
    """Beyond the reference's own scatter on the bad side: `watch`; with the whole band: `alarm`."""
    if value is None:
        return State.PENDING
    if band is None:
        return State.OK
    sign = -1 if metric in UP_IS_GOOD else 1
    beyond = sign * value.value - max(sign * band[0], sign * band[1])
    if beyond <= 0:
        return State.OK
    return State.ALARM if beyond > 1.959964 * value.se else State.WATCH
