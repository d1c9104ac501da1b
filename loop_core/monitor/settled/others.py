"""Cohorts of many values: the largest stay apart, the rest is put together, which takes its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from loop_core.monitor.cut import OTHER
from loop_core.monitor.groups import Place, bounded
from loop_core.monitor.settled.remembered import by_window
from loop_core.monitor.settled.standing import Stamp
from loop_core.monitor.settled.summary import Runs, ScoredRows, Summary

if TYPE_CHECKING:
    import polars as pl

    from loop_core.monitor.settled.reading import Asked, Found

Apart = Mapping[int, frozenset[str | None]]
"""Place of a cut → the values that stay apart."""


def put_together(
    asked: Asked,
    first: int,
    found: Found,
    wide: Collection[int],
    metrics: tuple[str, ...],
    stamps: Mapping[int, Stamp],
) -> None:
    """Put one group in place of all values beyond a cohort's largest `max_values`, over all windows from `first` on.

    Args:
        asked: what is read.
        first: number of its oldest window.
        found: summaries by value; changed in place.
        wide: cuts of so many values that none of them were measured.
        metrics: what is measured.
        stamps: window → what tells its rows and labels from any others.
    """
    kept = {place: _largest(asked, place, found[place, 1]) for place in range(len(asked.cuts)) if place not in wide}
    many = {place: values for place, values in kept.items() if values is not None}
    if many and not wide and asked.lengths == (1,):
        _of_windows(asked, first, found, many, metrics, stamps)
    elif many or wide:
        _of_runs(asked, first, found, many | {place: frozenset() for place in wide}, metrics)


def _of_windows(
    asked: Asked, first: int, found: Found, many: Apart, metrics: tuple[str, ...], stamps: Mapping[int, Stamp]
) -> None:
    """Windows by themselves: those read before are not read again."""
    cuts = [asked.cuts[place] for place in many]
    what = (
        "others",
        asked.windows.days,
        metrics,
        *((cut.name, stay) for cut, stay in zip(cuts, many.values(), strict=True)),
    )

    def read(oldest: int, newest: int) -> dict[int, dict[int, Summary]]:
        frame, runs = asked.rows(cuts, oldest, newest).frame, Runs(1, range(oldest, newest + 1))
        told: dict[int, dict[int, Summary]] = {}
        for at, (place, stay) in enumerate(many.items()):
            rows = ScoredRows(_others(frame.rename({f"c{at}": "c"}), stay), asked.loop.charter.score_columns)
            # What is remembered is measured however few labels are in: more will be known when it is asked for again.
            for (w, _), one in rows.summaries("c", runs, metrics, asked.asked_share, stamps.keys()).items():
                told.setdefault(w, {})[place] = one
        return told

    told = by_window(asked.loop, stamps, what, range(first, 1), read)
    for place, stay in many.items():
        apart = {at: one for at, one in found[place, 1].items() if at[1] in stay}
        parts: dict[int, list[Summary]] = {}
        for (w, value), one in found[place, 1].items():
            if value not in stay:
                parts.setdefault(w, []).append(one)
        found[place, 1] = apart | {(w, OTHER): _sum(mine, told[w][place]) for w, mine in parts.items()}


def _sum(parts: Collection[Summary], measured: Summary) -> Summary:
    """Sizes as they are now, with what was measured."""
    predictions, mature, n = (sum(getattr(one, name) for one in parts) for name in ("predictions", "mature", "n"))
    return Summary(predictions, mature, n, frozenset().union(*(one.versions for one in parts)), measured.measured)


def _of_runs(asked: Asked, first: int, found: Found, many: Apart, metrics: tuple[str, ...]) -> None:
    """Windows and runs of several together: rows of all of them."""
    frame = asked.rows([asked.cuts[place] for place in many], first, 0).frame
    for at, (place, stay) in enumerate(many.items()):
        mine = frame.rename({f"c{at}": "c"})
        together = _others(mine, stay) if stay else bounded(mine, asked.cuts[place])
        rows = ScoredRows(together, asked.loop.charter.score_columns)
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
