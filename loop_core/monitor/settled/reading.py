"""What windows come to: settled ones from the store, the others from their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loop_core.labels import known_at
from loop_core.monitor.cut import OTHER, Cut
from loop_core.monitor.groups import Place, bounded, read_rows
from loop_core.monitor.settled.standing import Standing, standing
from loop_core.monitor.settled.store import Entry
from loop_core.monitor.settled.summary import Summary, rolled, summarise
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: Windows whose rows are read at once.
CHUNK = 13
#: A cohort with so many times the values that are kept apart is not measured value by value.
TOO_MANY = 4


@dataclass(frozen=True)
class Asked:
    """Windows of a loop as known at an instant."""

    loop: Loop
    as_of: datetime
    windows: Windows
    cuts: tuple[Cut, ...]
    """Ways to split them; rows are read once for all."""
    metrics: tuple[str, ...]
    first: int
    """Number of the oldest window; the newest is 0."""
    lengths: tuple[int, ...] = (1,)
    """Windows at their own length (always), and runs of so many together."""

    @property
    def storable(self) -> bool:
        """Whether all of it is what the store holds: the charter's metrics, by no or one cohort."""
        return {*self.metrics} <= {m.name for m in self.loop.charter.metrics} and all(
            len(cut.cohorts) < 2 for cut in self.cuts
        )


Found = dict[tuple[int, int], dict[Place, Summary]]
"""(place of the cut, length) → (window, cohort value) → summary."""


def read_summaries(asked: Asked) -> Found:
    """(place of the cut, length) → (window, cohort value) → summary, oldest window first, then by value.

    What is settled and was not stored is stored now, where the lake can be written.
    """
    from loop_core.monitor.settled.refresh import keep_fresh

    with asked.loop.lake.one_snapshot():
        what = _Reading(asked, standing(asked.loop, asked.windows, asked.lengths))
        found, fresh = what.read()
    if asked.storable:
        keep_fresh(what.stored, asked.lengths, fresh)
    return found


class _Reading:
    """One reading in one snapshot."""

    def __init__(self, asked: Asked, stored: Standing) -> None:
        self.asked, self.stored = asked, stored
        self.first = max(asked.first, asked.windows.number(stored.first)) if stored.first else 1
        self.metrics = tuple(m.name for m in asked.loop.charter.metrics) if asked.storable else asked.metrics
        self.found: Found = {}
        self.wide: set[int] = set()
        self.last: dict[tuple[int, int], datetime] = {}

    def read(self) -> tuple[Found, list[Entry]]:
        missing = self._stored()
        for first, last in _runs(sorted({w for wanted in missing.values() for w in wanted})):
            self._measure(first, last, missing)
        fresh = self._fresh(missing) if self.asked.storable else []
        self._bound()
        return {what: _in_order(self._whole(what, places)) for what, places in self.found.items()}, fresh

    def _stored(self) -> dict[tuple[int, int], set[int]]:
        """Put in what is stored → what is missing."""
        missing: dict[tuple[int, int], set[int]] = {}
        for place, cut in enumerate(self.asked.cuts):
            for length in self.asked.lengths:
                mine, absent = self.found.setdefault((place, length), {}), missing.setdefault((place, length), set())
                for w in range(self.first + length - 1, 1):
                    known = self.stored.entry(cut.name, w, length, self.asked.as_of) if self.asked.storable else None
                    if known is not None:
                        mine.update({(w, value): summary for value, summary in known.values.items()})
                    else:
                        absent.add(w)
        return missing

    def _measure(self, first: int, last: int, missing: Mapping[tuple[int, int], set[int]]) -> None:
        """Measure the missing ones of a run of windows from their rows."""
        wanted = {what: {w for w in numbers if first <= w <= last} for what, numbers in missing.items()}
        longest = max(length for (_, length), numbers in wanted.items() if numbers)
        frame = self._rows(self.asked.cuts, (first - longest + 1, last))
        for (place, length), numbers in wanted.items():
            if not numbers or place in self.wide:
                continue
            mine, cut = frame.rename({f"c{place}": "c"}), self.asked.cuts[place]
            if cut.cohorts and mine["c"].n_unique() > TOO_MANY * cut.max_values:
                self.wide.add(place)
                continue
            part = rolled(mine, length, numbers)
            self.found[place, length].update(self._summaries(part))
            self._note_last(length, part)

    def _note_last(self, length: int, part: pl.DataFrame) -> None:
        import polars as pl

        for w, told in part.group_by("w").agg(pl.col("told").max()).iter_rows():
            if told is not None:
                self.last[w, length] = told

    def _fresh(self, missing: Mapping[tuple[int, int], set[int]]) -> list[Entry]:
        """Entries of what was measured and is settled."""
        asked, horizon = self.asked, timedelta(days=self.asked.loop.charter.labels.horizon_days)
        ripe = [
            (place, length, w)
            for (place, length), numbers in missing.items()
            for w in sorted(numbers)
            if place not in self.wide and asked.windows.span(w)[1] + horizon <= asked.as_of
        ]
        return [] if not ripe else list(self._entries(ripe, horizon))

    def _entries(self, ripe: Sequence[tuple[int, int, int]], horizon: timedelta) -> Iterator[Entry]:
        spans = [(w - length + 1, w) for _, length, w in ripe]
        told = self._told_later(min(first for first, _ in spans), max(last for _, last in spans))
        by_window: dict[tuple[int, int, int], dict[str | None, Summary]] = {}
        for (place, length), places in self.found.items():
            for (w, value), summary in places.items():
                by_window.setdefault((place, length, w), {})[value] = summary
        for place, length, w in ripe:
            start, end = self.asked.windows.span(w - length + 1)[0], self.asked.windows.span(w)[1]
            yield Entry(
                cohort=self.asked.cuts[place].name,
                first_day=start.date(),
                days=self.asked.windows.days * length,
                valid_from=max(end + horizon, self.last.get((w, length), end)),
                valid_until=min((told[k] for k in range(w - length + 1, w + 1) if k in told), default=None),
                seen=self.stored.snapshot,
                values=by_window.get((place, length, w), {}),
            )

    def _told_later(self, first: int, last: int) -> dict[int, datetime]:
        """Window → when the first statement about it after `as_of` is known, which the lake may hold in a replay."""
        if self.stored.last_told is None or self.stored.last_told <= self.asked.as_of:
            return {}
        loop, windows = self.asked.loop, self.asked.windows
        sql = f"""select {windows.sql("predicted_at")} as w, min(observed_at) from {loop.table("predictions")}
            join (select prediction_id, observed_at from {loop.table("outcomes")} where observed_at > $as_of) using (prediction_id)
            where predicted_at >= $first and predicted_at < $last group by w"""
        bound = {"as_of": self.asked.as_of, "first": windows.span(first)[0], "last": windows.span(last)[1]}
        return dict(loop.lake.rows(sql, {**bound, **windows.parameters()}))

    def _bound(self) -> None:
        """Put the values beyond the largest `max_values` of a cohort together, which takes their rows."""
        for place in self.wide:
            frame = bounded(
                self._rows((self.asked.cuts[place],), (self.first, 0)).rename({"c0": "c"}), self.asked.cuts[place]
            )
            self._replace(place, frame, None)
        many = {place: kept for place in range(len(self.asked.cuts)) if (kept := self._kept(place)) is not None}
        if many:
            cuts = [self.asked.cuts[place] for place in many]
            frame = self._rows(cuts, (self.first, 0))
            for at, (place, kept) in enumerate(many.items()):
                self._replace(place, _others(frame.rename({f"c{at}": "c"}), kept), kept)

    def _kept(self, place: int) -> frozenset[str | None] | None:
        """The values that stay apart; None: all do."""
        cut, sizes = self.asked.cuts[place], dict[str | None, int]()
        for (_, value), summary in self.found[place, 1].items():
            sizes[value] = sizes.get(value, 0) + summary.predictions
        if not cut.cohorts or place in self.wide or len(sizes) <= cut.max_values:
            return None
        return frozenset(sorted(sizes, key=lambda value: (-sizes[value], value or ""))[: cut.max_values])

    def _replace(self, place: int, frame: pl.DataFrame, kept: frozenset[str | None] | None) -> None:
        for length in self.asked.lengths:
            stay = {p: s for p, s in self.found[place, length].items() if kept is not None and p[1] in kept}
            part = rolled(frame, length, range(self.first + length - 1, 1))
            self.found[place, length] = stay | self._summaries(part)

    def _summaries(self, part: pl.DataFrame) -> dict[Place, Summary]:
        return summarise(part, self.metrics, self.asked.loop.charter.labels.min_mature_share)

    def _rows(self, cuts: Sequence[Cut], numbers: tuple[int, int]) -> pl.DataFrame:
        windows = self.asked.windows
        reading = known_at(self.asked.loop, self.asked.as_of, since=windows.span(numbers[0])[0])
        return read_rows(reading, windows, cuts, numbers)

    def _whole(self, what: tuple[int, int], places: Mapping[Place, Summary]) -> Mapping[Place, Summary]:
        """Only runs that begin and end within the data."""
        scored = [w for w, _ in self.found[what[0], 1]]
        if what[1] == 1 or not scored:
            return places
        oldest, newest = min(scored) + what[1] - 1, max(scored)
        return {place: summary for place, summary in places.items() if oldest <= place[0] <= newest}


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Consecutive numbers as (first, last), at most `CHUNK` in each."""
    start = None
    for place, w in enumerate(numbers):
        start = w if start is None else start
        if place + 1 == len(numbers) or numbers[place + 1] != w + 1 or w - start + 1 == CHUNK:
            yield start, w
            start = None


def _others(frame: pl.DataFrame, kept: frozenset[str | None]) -> pl.DataFrame:
    import polars as pl

    apart = pl.Series([value for value in kept if value is not None], dtype=pl.String).implode()
    return frame.filter(~pl.col("c").is_in(apart)).with_columns(c=pl.lit(OTHER))


def _in_order(places: Mapping[Place, Summary]) -> dict[Place, Summary]:
    order = sorted(places, key=lambda place: (place[0], place[1] is not None, place[1] or ""))
    return {place: places[place] for place in order}
