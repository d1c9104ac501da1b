"""Cohorts of many values: the largest stay apart, the rest is put together, which takes its rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from loop_core.monitor.cut import OTHER
from loop_core.monitor.groups import Place, bounded
from loop_core.monitor.settled.summary import Runs, ScoredRows, Summary

if TYPE_CHECKING:
    import polars as pl

    from loop_core.monitor.settled.reading import Asked, Found


def put_together(asked: Asked, first: int, found: Found, wide: Collection[int], metrics: tuple[str, ...]) -> None:
    """Put one group in place of all values beyond a cohort's largest `max_values`, over all windows from `first` on.

    Args:
        asked: what is read.
        first: number of its oldest window.
        found: summaries by value; changed in place.
        wide: cuts of so many values that none of them were measured.
        metrics: what is measured.
    """
    kept = {place: _largest(asked, place, found[place, 1]) for place in range(len(asked.cuts)) if place not in wide}
    many = [place for place, values in kept.items() if values is not None] + sorted(wide)
    if not many:
        return
    frame = asked.rows([asked.cuts[place] for place in many], first, 0).frame
    for at, place in enumerate(many):
        mine, stay = frame.rename({f"c{at}": "c"}), kept.get(place) or frozenset()
        rows = ScoredRows(bounded(mine, asked.cuts[place]) if place in wide else _others(mine, stay))
        for length in asked.lengths:
            apart = {key: one for key, one in found[place, length].items() if key[1] in stay}
            runs = Runs(length, range(first + length - 1, 1))
            found[place, length] = apart | rows.summaries("c", runs, metrics, asked.asked_share)


def _largest(asked: Asked, place: int, summaries: dict[Place, Summary]) -> frozenset[str | None] | None:
    """The values that stay apart; None: all do."""
    cut, sizes = asked.cuts[place], dict[str | None, int]()
    for (_, value), summary in summaries.items():
        sizes[value] = sizes.get(value, 0) + summary.predictions
    if not cut.cohorts or len(sizes) <= cut.max_values:
        return None
    return frozenset(sorted(sizes, key=lambda value: (-sizes[value], value or ""))[: cut.max_values])


def _others(frame: pl.DataFrame, kept: frozenset[str | None]) -> pl.DataFrame:
    import polars as pl

    apart = pl.Series([value for value in kept if value is not None], dtype=pl.String).implode()
    return frame.filter(~pl.col("c").is_in(apart)).with_columns(c=pl.lit(OTHER))
