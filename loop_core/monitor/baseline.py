"""Is this window unusual, given the windows before it?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from loop_core.vocabulary import State

#: A window is compared with at most this many before it.
BEFORE = 12
#: With fewer, the spread between windows is not known, and only the window's own error is used.
MIN_BEFORE = 4
#: One-sided chances of a quiet window being called so.
WATCH, ALARM = 0.025, 0.005


def usual(before: Sequence[float]) -> float | None:
    """The mean of the windows before; None: there are none."""
    kept = list(before)[-BEFORE:]
    return sum(kept) / len(kept) if kept else None


def judged(value: float, se: float, before: Sequence[float], margin: float) -> State:
    """`watch` if the value is above what the windows before let expect, `alarm` if clearly and by more than a margin.

    The next value of a series scatters by s·√(1 + 1/k) around the mean of the k before it (prediction interval
    with Student's t), at the least by its own error. Up is bad; give negated values where down is.

    Args:
        value: of this window.
        se: its own standard error.
        before: values of earlier windows, oldest first.
        margin: a rise up to this never alarms.
    """
    kept = list(before)[-BEFORE:]
    mean = usual(kept)
    if mean is None:
        return State.OK
    spread, freedom = se * math.sqrt(1 + 1 / len(kept)), 1e9
    if len(kept) >= MIN_BEFORE:
        between = math.sqrt(sum((v - mean) ** 2 for v in kept) / (len(kept) - 1) * (1 + 1 / len(kept)))
        spread, freedom = max(spread, between), len(kept) - 1
    if value - mean <= _student(freedom, WATCH) * spread:
        return State.OK
    clear = value - mean > _student(freedom, ALARM) * spread and value - mean > margin
    return State.ALARM if clear else State.WATCH


def _student(freedom: float, tail: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - tail))
