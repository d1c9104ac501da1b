"""How complete the labels are by the age of a prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.labels.maturity import read_at
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]

_Z = 1.959964


@dataclass(frozen=True)
class CompletenessPoint:
    """The share of predictions whose label is known at one age, estimated so that younger predictions count for the
    ages they have reached and no further (Kaplan & Meier 1958)."""

    age_days: float
    """Age of a prediction in days."""
    share: float
    """Share whose label is known by that age, 0..1."""
    ci_low: float
    """95 % interval (Greenwood's error on the log(−log) scale, which keeps it inside 0..1)."""
    ci_high: float
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    n: int
    """Predictions that reached this age, so that the point rests on them."""
    horizon_share: float
    """Share known at the charter's horizon, as far as the curve reaches; what stays below 1 is never labelled."""


# The first statement is when a label came to be known; a later correction does not make it unknown before.
_AGES = """
    select {cohort} as c, ceil(if(known_at < predicted_at, 0, epoch_us(known_at) - epoch_us(predicted_at)) / 86400e6)::int as known_age,
      least(floor((epoch_us($as_of) - epoch_us(predicted_at)) / 86400e6), $horizon)::int as reached, count(*) as n
    from predictions
      left join (select prediction_id, min(observed_at) as known_at from outcomes group by prediction_id) using (prediction_id)
    group by all order by c nulls first, known_age, reached"""


def completeness(loop: Loop, as_of: datetime, *, cohort: str | None = None) -> list[CompletenessPoint]:
    """Share of predictions whose label is known, by age in whole days from 0 to the horizon; values by name.

    Predictions younger than an age are censored there: they say nothing about later ages. A label known before its
    prediction counts from day 0. Empty without predictions.

    Args:
        loop: the loop.
        as_of: UTC instant; neither labels known later nor later predictions are seen.
        cohort: split by this declared cohort; its largest `max_values` values.

    Raises:
        UnknownNameError: no such cohort.
    """
    group = loop.charter.cohort(cohort) if cohort else None
    horizon = int(np.ceil(loop.charter.labels.horizon_days))
    frame = read_at(loop, as_of).frame(_AGES.format(cohort=group.sql if group else "null::varchar"), horizon=horizon)
    values = _largest(frame, group.max_values if group else 1)
    return [
        point
        for value in values
        for point in _curve(frame.filter(frame["c"].eq_missing(value)), horizon, cohort, value)
    ]


def _largest(frame: pl.DataFrame, most: int) -> Sequence[str | None]:
    import polars as pl

    sizes = frame.group_by("c").agg(pl.col("n").sum()).sort("n", "c", descending=[True, False]).head(most)
    return sorted(sizes["c"].to_list(), key=lambda value: value or "")


def _curve(part: pl.DataFrame, horizon: int, cohort: str | None, value: str | None) -> Iterator[CompletenessPoint]:
    import polars as pl

    # Ages are whole days that a prediction has lived through; a label of its last, unfinished day is not counted yet,
    # because its neighbours without one are not either.
    known = pl.col("known_age").is_not_null() & (pl.col("known_age") <= pl.col("reached"))
    events = _tally(part.filter(known), "known_age", horizon)
    leaves = _tally(part.filter(~known.fill_null(False)), "reached", horizon)
    arrived = _tally(part, "reached", horizon)
    at_risk = (events + leaves)[::-1].cumsum()[::-1]
    share, low, high = _kaplan_meier(events, at_risk)
    reached = arrived[::-1].cumsum()[::-1]
    last = int(np.flatnonzero(reached > 0)[-1]) if reached.any() else -1
    for age in range(last + 1):
        yield CompletenessPoint(
            float(age),
            float(share[age]),
            float(low[age]),
            float(high[age]),
            cohort,
            value,
            int(reached[age]),
            float(share[last]),
        )


def _tally(part: pl.DataFrame, age: str, horizon: int) -> Floats:
    """(horizon + 1,) predictions by age."""
    counts = np.bincount(part[age].to_numpy(), part["n"].to_numpy(), minlength=horizon + 1)
    return counts.astype(np.float64)


def _kaplan_meier(events: Floats, at_risk: Floats) -> tuple[Floats, Floats, Floats]:
    """(share known, low, high) by age, each (k,).

    Source: Kaplan & Meier 1958; Greenwood 1926; log(−log) interval: Kalbfleisch & Prentice 1980.
    """
    risk = np.maximum(at_risk, 1)
    unknown: Floats = np.cumprod(1 - events / risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(np.where(at_risk > events, events / (risk * (risk - events)), 0.0))
        spread = _Z * np.sqrt(greenwood) / np.abs(np.log(unknown))
        low, high = 1 - unknown ** np.exp(-spread), 1 - unknown ** np.exp(spread)
    inside = (unknown > 0) & (unknown < 1)
    share = 1 - unknown
    return share, np.where(inside, low, share), np.where(inside, high, share)
