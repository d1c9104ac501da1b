"""Calibration of the scores of mature windows, by cohort and over time: probabilities, classes and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from loop_core.charter import Charter
from loop_core.labels import read_at
from loop_core.monitor.cut import Cut
from loop_core.monitor.groups import Group, Place, read_groups
from loop_core.monitor.losses import misses
from loop_core.monitor.reliability import (
    Cox,
    ReliabilityBin,
    ReliabilityCurve,
    brier_parts,
    calibration_error,
    cox,
    reliability_bins,
)
from loop_core.monitor.reliability_of_numbers import bins_of_numbers, error_of_numbers, line_of_numbers
from loop_core.vocabulary import State, Task
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Windows that one curve is drawn from, unless others are asked for.
WEEKS = 12
_Z = 1.959964


def calibration(
    loop: Loop,
    as_of: datetime,
    *,
    cohort: str | tuple[str, ...] | None = None,
    weeks: int = WEEKS,
    over_time: bool = False,
    seed: int = 0,
) -> list[ReliabilityCurve]:
    """Reliability curves with their summaries; only windows whose labels are mature count.

    Of several classes it is the most probable one that is taken at its word (Guo et al. 2017); of numbers, the mean of
    what came is set against what was predicted.

    Args:
        loop: the loop.
        as_of: UTC instant; labels known later are not used.
        cohort: split by this declared cohort, or by a pair.
        weeks: the newest windows.
        over_time: one curve for each `trend_windows` windows, oldest first, rather than one for all.
        seed: of the bootstrap of the calibration error.

    Raises:
        UnknownNameError: no such cohort.
    """
    cut, windows = Cut.of(loop.charter, cohort), Windows.at(as_of, loop.charter.monitor.window_days)
    groups = read_groups(read_at(loop, as_of, since=windows.start(weeks)), windows, cut, (1 - weeks, 0))
    ripe = mature_windows(groups, loop.charter.labels.min_mature_share)
    length = loop.charter.monitor.trend_windows
    spans = [(first, first + length - 1) for first in range(1 - weeks, 1, length)] if over_time else [(1 - weeks, 0)]
    return [
        curve_of(loop, (windows.span(first)[0], windows.span(last)[1]), (cut.name, value), group, seed)
        for first, last in spans
        for value, group in joined_by_value(groups, ripe, (first, last)).items()
    ]


def mature_windows(groups: Mapping[Place, Group], share: float) -> frozenset[int]:
    """Windows of which, over all cohort values, enough predictions are mature."""
    sums: dict[int, list[int]] = {}
    for (w, _), group in groups.items():
        mature, predictions = sums.setdefault(w, [0, 0])
        sums[w] = [mature + group.mature, predictions + group.predictions]
    return frozenset(w for w, (mature, predictions) in sums.items() if mature >= share * predictions)


def joined_by_value(
    groups: Mapping[Place, Group], ripe: frozenset[int], span: tuple[int, int]
) -> dict[str | None, Group]:
    """Cohort value → its rows in the mature windows of a span; without such windows, no rows."""
    inside = {place: group for place, group in groups.items() if span[0] <= place[0] <= span[1]}
    parts: dict[str | None, list[Group]] = {}
    for (w, value), group in sorted(inside.items(), key=lambda item: (item[0][1] or "", item[0][0])):
        parts.setdefault(value, []).append(group if w in ripe else group.without_rows())
    return {value: Group.joined(some) for value, some in parts.items()}


def curve_of(
    loop: Loop, span: tuple[datetime, datetime], cohort: tuple[str | None, str | None], group: Group, seed: int = 0
) -> ReliabilityCurve:
    """The reliability curve of the labelled rows of one group, with its summaries; empty where they are too few.

    Args:
        loop: says what is predicted, and how few rows are too few.
        span: what the rows are of.
        cohort: name and value of the group; None, None: everybody.
        group: scores and labels.
        seed: of the bootstrap of the calibration error.
    """
    empty = _empty(span, cohort, group)
    if group.n < loop.charter.monitor.min_rows:
        return empty
    told = _told(group, loop.charter, seed)
    ece, ece_low, ece_high = told.error
    brier, reliability, resolution, uncertainty = told.parts
    curve = replace(
        empty,
        bins=told.bins,
        ece=ece,
        ece_ci_low=ece_low,
        ece_ci_high=ece_high,
        brier=brier,
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        state=State.OK,
        unit=loop.charter.loop.unit if loop.charter.loop.task is Task.REGRESSION else None,
    )
    return _with_cox(curve, told.line) if told.line else curve


@dataclass(frozen=True)
class _Told:
    bins: tuple[ReliabilityBin, ...]
    error: tuple[float, float, float]
    parts: tuple[float, float, float, float]
    line: Cox | None


def _told(group: Group, charter: Charter, seed: int) -> _Told:
    labels, scores = group.labels, group.scores
    if charter.loop.task is Task.REGRESSION:
        error, line = error_of_numbers(labels, scores, seed=seed), line_of_numbers(labels, scores)
        return _Told(bins_of_numbers(labels, scores), error, brier_parts(labels, scores), line)
    if scores.ndim == 2:
        labels, scores = 1 - misses(labels, scores), scores.max(axis=1)
    scores = scores.clip(0, 1)
    error = calibration_error(labels, scores, seed=seed)
    return _Told(reliability_bins(labels, scores), error, brier_parts(labels, scores), cox(labels, scores))


def _empty(span: tuple[datetime, datetime], cohort: tuple[str | None, str | None], group: Group) -> ReliabilityCurve:
    state = State.PENDING if not group.n and group.predictions else State.TOO_FEW
    return ReliabilityCurve(
        *span, *cohort, group.model_version, group.n, (),
        ece=None, ece_ci_low=None, ece_ci_high=None,
        brier=None, reliability=None, resolution=None, uncertainty=None,
        slope=None, slope_ci_low=None, slope_ci_high=None,
        intercept=None, intercept_ci_low=None, intercept_ci_high=None, state=state,
    )  # fmt: skip


def _with_cox(curve: ReliabilityCurve, found: Cox) -> ReliabilityCurve:
    slope, intercept = found.slope, found.intercept
    # Two looks at 2.5 % each.
    off = abs(slope - 1) > 2.2414 * found.slope_se or abs(intercept) > 2.2414 * found.intercept_se
    return replace(
        curve,
        slope=slope,
        slope_ci_low=slope - _Z * found.slope_se,
        slope_ci_high=slope + _Z * found.slope_se,
        intercept=intercept,
        intercept_ci_low=intercept - _Z * found.intercept_se,
        intercept_ci_high=intercept + _Z * found.intercept_se,
        state=State.WATCH if off else State.OK,
    )
