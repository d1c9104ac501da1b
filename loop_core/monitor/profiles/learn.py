"""Bins from the rows of a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Column
from loop_core.lake import Reading, quoted
from loop_core.monitor.profiles.binning import BINS, LEVELS, MAX_CATEGORIES, MAX_RARE, Binning, CategoryBins, NumberBins
from loop_core.monitor.profiles.plan import Plan, Rated, Scored, Span, answers_of
from loop_core.windows import Windows

if TYPE_CHECKING:
    import polars as pl

#: Edges are learned from about this many rows of the reference: more would not move them by a tenth of a bin.
EDGE_ROWS = 100_000
_INSIDE = "predicted_at >= $first and predicted_at < $last"


def watched(columns: Sequence[Column]) -> list[Column]:
    """Numbers, categories and flags. Timestamps and free text are left out: they are new by nature."""
    return [c for c in columns if c.type in ("number", "category", "flag")]


def learn_plan(reading: Reading, key: str, span: Span, champion: tuple[str, Span] | None) -> Plan:
    """The bins of a reference.

    Args:
        reading: what may be seen.
        key: `plan.key_of`.
        span: the reference.
        champion: whose scores are profiled, and their own reference; None: nobody's.
    """
    columns, days = watched(reading.charter.features), reading.charter.monitor.window_days
    numbers = _edges(reading, span, [c.name for c in columns if c.type == "number"])
    bins: dict[str, Binning] = {
        c.name: numbers[c.name] if c.type == "number" else _categories(reading, span, days, c.name) for c in columns
    }
    answers = answers_of(reading.charter)
    scored = Scored(*champion, _edges(reading, champion[1], answers, champion[0])) if champion else None
    first, last = span.instants
    rows = reading.rows(f"select count(*) from predictions where {_INSIDE}", first=first, last=last)[0][0]
    cohorts = {c.name: _largest(reading, span, c.name) for c in reading.charter.cohorts}
    return Plan(key, span, days, bins, cohorts, rows, scored, learn_ratings(reading, span))


def learn_ratings(reading: Reading, span: Span) -> Rated:
    """Bins of the ratings given in a reference: each of a few values has one of its own."""
    first, last = span.instants
    found = reading.rows(
        """select rating, count(*) from feedback
        where rating is not null and not isnan(rating) and given_at >= $first and given_at < $last group by rating order by rating""",
        first=first,
        last=last,
    )
    values, rows = np.array([v for v, _ in found], dtype=np.float64), np.array([n for _, n in found], dtype=np.int64)
    bins = NumberBins(tuple(values.tolist())) if len(values) <= BINS else edges_of(np.repeat(values, rows))
    return Rated(bins, int(rows.sum()))


def _edges(reading: Reading, span: Span, names: Sequence[str], version: str | None = None) -> dict[str, NumberBins]:
    """Bins of numbers from an even part of the rows, taken by the hash of the id."""
    if not names:
        return {}
    first, last = span.instants
    where = _INSIDE + (" and model_version = $version" if version else "")
    given = {"first": first, "last": last, **({"version": version} if version else {})}
    rows = reading.rows(f"select count(*) from predictions where {where}", **given)[0][0]
    part = f"hash(prediction_id) % {max(1, rows // EDGE_ROWS)} = 0"
    cells = ", ".join(f"{quoted(name)}::double as {quoted(name)}" for name in names)
    frame = reading.frame(f"select {cells} from predictions where {where} and {part}", **given)
    return {name: edges_of(frame[name].to_numpy()) for name in names}


def edges_of(values: npt.NDArray[np.float64]) -> NumberBins:
    """Bins between the quantiles of the values that are there, null as NaN."""
    ordered = np.sort(values[~np.isnan(values)])
    if not len(ordered):
        return NumberBins(())
    places = [max(0, math.ceil(level * len(ordered)) - 1) for level in LEVELS]
    finite = ordered[np.isfinite(ordered)]
    bins = NumberBins.learn(ordered[places].tolist())
    return bins.with_decades(float(finite[len(finite) // 2])) if len(finite) else bins


def _categories(reading: Reading, span: Span, days: int, name: str) -> CategoryBins:
    first, last = span.instants
    windows = Windows(last, days)
    counted = reading.frame(
        f"""select v, count(*) as n, min(w) = max(w) as once
        from (select {quoted(name)}::varchar as v, {windows.sql("predicted_at")} as w from predictions where {_INSIDE})
        where v is not null group by v""",
        first=first,
        last=last,
        **windows.parameters(),
    )
    return categories_of(counted, several=last - first > timedelta(days=days))


def categories_of(counted: pl.DataFrame, *, several: bool) -> CategoryBins:
    """Bins from values `v` with their rows `n` and whether they occur `once`, in one window only.

    Args:
        counted: one row a value.
        several: whether the reference has several windows; in a single one, every value would be new.
    """
    top = counted.sort(["n", "v"], descending=[True, False]).head(MAX_CATEGORIES + MAX_RARE)
    once = frozenset(top.filter("once")["v"]) if several and "once" in top.columns else frozenset()
    return CategoryBins.learn(dict(zip(top["v"], top["n"], strict=True)), once, int(counted["n"].sum()))


def _largest(reading: Reading, span: Span, cohort: str) -> tuple[str, ...]:
    declared, (first, last) = reading.charter.cohort(cohort), span.instants
    found = reading.rows(
        f"select {declared.sql} as c from predictions where {_INSIDE} group by c order by count(*) desc, c limit $most",
        first=first,
        last=last,
        most=declared.max_values,
    )
    return tuple(row[0] for row in found)


FAR = datetime(9999, 1, 1, tzinfo=UTC)
