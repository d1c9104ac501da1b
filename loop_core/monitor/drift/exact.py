"""One cell of the heatmap, looked at closely: every measure, on the rows themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from loop_core.errors import NotReadyError, RefusedError, UnknownNameError
from loop_core.monitor.drift.registry import METHODS
from loop_core.monitor.drift.rows import Cut, as_values, rows_of
from loop_core.monitor.drift.scores import DriftScore, scored, with_every_window
from loop_core.monitor.profiles import NumberBins, Series, profile_series
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Measures that are another number on rows than in bins have another name there.
_ON_ROWS = {"binned_wasserstein": "wasserstein"}


def exact_drift(
    loop: Loop,
    as_of: datetime,
    *,
    feature: str,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
) -> list[DriftScore]:
    """Every measure of one feature (or `score`) in one window, with values from rows instead of bins.

    Thresholds and states are those that the binned value was judged by. The p-value is that of the classical test
    where a measure has one (Kolmogorov–Smirnov, chi-squared): it knows nothing of natural swing or of other features.

    Raises:
        UnknownNameError: no such feature or cohort.
        NotReadyError: there is no reference yet.
        RefusedError: the span is no window as of this instant.
    """
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    number = windows.number(window_start)
    if windows.span(number) != (window_start, window_end) or number > 0:
        raise RefusedError(
            f"{window_start:%Y-%m-%d} to {window_end:%Y-%m-%d} is no window as of {as_of:%Y-%m-%d}",
            f"one of {windows.days} days that ends {windows.end:%Y-%m-%d} or whole windows before",
            "take window_start and window_end from drift_scores",
        )
    weeks = loop.charter.monitor.alarm_of - number
    found = with_every_window(profile_series(loop, as_of, weeks=weeks, cohort=cohort), windows)
    if not found:
        raise NotReadyError("There is no reference period yet", "predictions before this window", "bring in older ones")
    mine = [s for s in found if s.column == feature and s.cohort_value == cohort_value]
    if not mine:
        raise UnknownNameError("feature", feature, sorted({s.column for s in found}))
    binned = [
        score
        for method in METHODS.values()
        for score in scored(loop.charter.monitor, found, method)
        if (score.feature, score.cohort_value, score.window_start) == (feature, cohort_value, window_start)
    ]
    return _on_rows(loop, as_of, mine[0], binned)


def _on_rows(loop: Loop, as_of: datetime, series: Series, binned: list[DriftScore]) -> list[DriftScore]:
    if not binned:
        return []
    whose = (series.cohort, series.cohort_value)
    usual = rows_of(loop, as_of, Cut(series.reference_start, series.reference_end, *whose), [series.column])
    now = rows_of(loop, as_of, Cut(binned[0].window_start, binned[0].window_end, *whose), [series.column])
    if not usual.height or not now.height:
        return binned
    values = as_values(usual.to_series(), now.to_series(), isinstance(series.binning, NumberBins))
    return [_exact(score, *METHODS[score.method].exact(*values)) for score in binned]


def _exact(score: DriftScore, value: float, p_value: float | None) -> DriftScore:
    if score.reason or np.isnan(value):
        return score
    told = score.p_value if p_value is None else p_value
    return replace(score, method=_ON_ROWS.get(score.method, score.method), value=value, p_value=told)
