"""A difference as it is, against the champion's value, or as what it comes to in a week."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from loop_core.charter import Charter
from loop_core.compare.metrics import words_of
from loop_core.compare.scorecard import Cell
from loop_core.figures import decimals_apart

Scale = Literal["absolute", "relative", "weekly"]
SCALES: tuple[Scale, ...] = get_args(Scale)
#: More decimals than these help nobody.
MOST = 8
#: Means over predictions of a loss: times the predictions of a week it is what the week loses less.
_LOSSES = frozenset({"log_loss", "brier", "mse", "pinball"})


@dataclass(frozen=True)
class Scaled:
    """One cell's difference on a scale; up is good for the challenger. None: not estimable, or it has no such scale."""

    difference: float | None
    ci_low: float | None
    ci_high: float | None
    margin: float | None
    """The margin on that scale, positive."""


def scaled(cell: Cell, scale: Scale, weeks: float) -> Scaled:
    """The difference of a cell with its interval and margin on a scale.

    `relative`: over the size of the champion's value, as a share; the champion's value counts as known, so the interval is
    that of the difference. `weekly`: times the group's predictions a week, for metrics that are means over predictions.

    Args:
        cell: one metric in one group.
        scale: which.
        weeks: how long its rows took to come, `Scorecard.weeks`.
    """
    factor = _factor(cell, scale, weeks)
    if factor is None or cell.difference is None:
        return Scaled(None, None, None, None)
    low, high = (end * factor if end is not None else None for end in (cell.ci_low, cell.ci_high))
    return Scaled(cell.difference * factor, low, high, cell.margin * factor)


def unit_of(metric: str, scale: Scale, charter: Charter) -> str | None:
    """What a difference on a scale is counted in, in words; None: the metric has no such scale."""
    if scale == "relative":
        return "% of the champion's value"
    if scale == "absolute":
        return _own_unit(metric, charter)
    if metric in _LOSSES:
        return f"{words_of(metric)} × predictions a week"
    return {
        "accuracy": "right answers a week",
        "cost": "cost units of the charter a week",
        "mae": f"{charter.loop.unit or 'units'} of error a week",
    }.get(metric)


def digits(cell: Cell) -> int:
    """Decimals that its values are worth: those in which its margin has two digits, and more where champion and challenger
    would look alike in them.

    A margin of 0.003 asks for 0.3418, one of 12 minutes for 341.
    """
    least = max(0, min(MOST, 1 - math.floor(math.log10(cell.margin)))) if cell.margin > 0 else 4
    values = [value for value in (cell.champion, cell.challenger) if value is not None and math.isfinite(value)]
    apart = decimals_apart(*values, least=least, figures=1)
    return least if apart is None or apart > MOST else apart


def _own_unit(metric: str, charter: Charter) -> str:
    unit = charter.loop.unit or "units of the label"
    own = {
        "accuracy": "share of answers",
        "cost": "cost units of the charter a prediction",
        "mae": unit,
        "rmse": unit,
        "bias": unit,
        "mse": f"{unit}, squared",
        "latency_p50": "ms",
        "latency_p95": "ms",
        "model_bytes": "bytes",
    }
    return own.get(metric, words_of(metric))


def _factor(cell: Cell, scale: Scale, weeks: float) -> float | None:
    if scale == "absolute":
        return 1.0
    if scale == "relative":
        return 1 / abs(cell.champion) if cell.champion else None
    return cell.predictions / weeks if cell.metric in _LOSSES | {"accuracy", "cost", "mae"} else None
