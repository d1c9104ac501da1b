"""Points of many cohort values in which nothing happens."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from loop_core.monitor import PerformancePoint
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
