"""Points of many cohort values in which nothing happens."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from loop_core.monitor import PerformancePoint
from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.many import measure_many
from loop_core.vocabulary import State
from tests.conftest import START


def quiet_points(seed: int, values: int = 40, windows: int = 10, se: float = 0.02) -> list[PerformancePoint]:
    """Log loss scattering by its own error only."""
    rng = np.random.default_rng(seed)
    found = []
    for w in range(windows):
        for v in range(values):
            value, start = float(rng.normal(0.4, se)), START + timedelta(days=7 * w)
            half, end = 1.96 * se, start + timedelta(days=7)
            found.append(
                PerformancePoint(
                    "log_loss", start, end, "c", f"v{v}", "m", value, value - half, value + half, 400, 1.0, State.OK
                )
            )
    return found


def quiet_cohorts(rng: np.random.Generator, metric: str, n: int, values: int, windows: int) -> list[PerformancePoint]:
    """The metric of a calibrated model with a tenth of positives, n labelled rows of each value and window."""
    groups = values * windows
    scores = 1 / (1 + np.exp(2.6 - rng.normal(size=groups * n)))
    places = np.repeat(np.arange(groups), n)
    order = np.argsort(scores)
    rows = LabelledRows(scores[order], (rng.random(len(order)) < scores[order]).astype(float), None)
    measured = measure_many([metric], Grouping(rows, places[order], groups))
    found = []
    for place, told in enumerate(measured):
        start = START + timedelta(days=7 * (place // values))
        one = told[metric]
        if one is not None:
            name, low_high = f"v{place % values}", one.interval
            found.append(
                PerformancePoint(
                    metric, start, start + timedelta(days=7), "c", name, "m", one.value, *low_high, n, 1.0, State.OK
                )
            )
    return found
