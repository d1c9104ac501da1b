"""What windows come to: from the store where it holds, from their rows where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.labels import read_at
from loop_core.monitor.cut import Cut
from loop_core.monitor.groups import Place, read_rows
from loop_core.monitor.kept import kept_of
from loop_core.monitor.settled.fresh import Fresh
from loop_core.monitor.settled.standing import Stamp, Standing, standing
from loop_core.monitor.settled.store import Entry, Held
from loop_core.monitor.settled.summary import Runs, ScoredRows, Summary
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: No window is older.
OLDEST = -1_000_000
#: So few rows stay in memory.
FEW = 100_000
#: About so many rows are read at once.
ROWS = 2_000_000
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
    """1: windows by themselves, always asked for; and runs of so many together."""
    keeping: bool = False
    """Only for the store: windows that will not last are left out, and no values are put together."""

    @property
    def storable(self) -> bool:
        """Whether all of it is what the store holds: the charter's metrics, by no or one cohort."""
        names = {metric.name for metric in self.loop.charter.watched}
        return {*self.metrics} <= names and all(len(cut.cohorts) < 2 for cut in self.cuts)

    @property
    def asked_share(self) -> float:
        """Share of mature rows from which on a group is told."""
        return self.loop.charter.labels.min_mature_share

    def rows(self, cuts: Sequence[Cut], first: int, last: int) -> ScoredRows:
        """Rows of windows `first` … `last`. Those read last stay in memory while they are few, so that whoever asks next
        for part of them, as one cycle does several times, need not read again."""
        kept, key = kept_of(self.loop.lake), ("rows", self.loop.name)
        seen = self.as_of, self.windows, self.loop.charter.hash, self.loop.lake.snapshot()
        held: _Held | None = kept.look(key)
        if held is None or held.seen != seen or not held.has(cuts, first, last):
            (start, _), (_, end) = self.windows.span(first), self.windows.span(last)
            reading = read_at(self.loop, self.as_of, since=start, until=end)
            held = _Held(seen, tuple(cuts), first, last, read_rows(reading, self.windows, cuts, (first, last)))
            if held.frame.height <= FEW:
                kept.put(key, held)
        return ScoredRows(held.part(cuts, first, last), self.loop.charter.score_columns)


@dataclass(frozen=True)
class _Held:
    """Rows that were read last."""

    seen: tuple[datetime, Windows, str, int]
    """As of when, in which windows, by which charter, in which snapshot."""
    cuts: tuple[Cut, ...]
    first: int
    last: int
    frame: pl.DataFrame

    def has(self, cuts: Sequence[Cut], first: int, last: int) -> bool:
        return self.first <= first and last <= self.last and all(cut in self.cuts for cut in cuts)

    def part(self, cuts: Sequence[Cut], first: int, last: int) -> pl.DataFrame:
        import polars as pl

        columns = [name for name in self.frame.columns if name not in {f"c{k}" for k in range(len(self.cuts))}]
        values = [pl.col(f"c{self.cuts.index(cut)}").alias(f"c{k}") for k, cut in enumerate(cuts)]
        inside = (
            self.frame
            if (first, last) == (self.first, self.last)
            else self.frame.filter(pl.col("w").is_between(first, last))
        )
        return inside.select(*columns, *values)


What = tuple[int, int]
"""(place of the cut, length of the runs)."""
Found = dict[What, dict[Place, Summary]]


def read_summaries(asked: Asked) -> Found:
    """(place of the cut, length) → (window, cohort value) → summary, oldest window first, then by value.

    What holds for another window's time and was not stored is stored now, where the lake can be written.
    """
    return read_stamped(asked)[0]


def read_stamped(asked: Asked) -> tuple[Found, dict[int, Stamp]]:
    """`read_summaries`, and stamps of the windows of the first cut: the same stamp, the same rows and labels. Windows
    that will not last have none."""
    from loop_core.monitor.settled.refresh import keep_fresh

    with asked.loop.lake.one_snapshot():
        reading = _Reading(asked, standing(asked.loop, asked.windows, asked.lengths, asked.as_of))
        found = reading.read()
    if asked.storable:
        keep_fresh(reading.stored, asked.lengths, reading.fresh, asked.as_of)
    return found, reading.stamps


def hold_rows(asked: Asked) -> None:
    """Read the rows of all windows that are not stored, where they are few: those who ask for them one after another,
    at the same instant and in the same snapshot, find them in memory (see `Asked.rows`)."""
    with asked.loop.lake.one_snapshot():
        reading = _Reading(asked, standing(asked.loop, asked.windows, asked.lengths, asked.as_of))
        numbers = {w for wanted in reading.missing().values() for w in wanted}
        if numbers and max(numbers) - min(numbers) < reading.windows_of(FEW):
            asked.rows(asked.cuts, min(numbers), max(numbers))


class _Reading:
    """One reading in one snapshot."""

    def __init__(self, asked: Asked, stored: Standing) -> None:
        self.asked, self.stored = asked, stored
        self.first = max(asked.first, asked.windows.number(stored.first)) if stored.first else 1
        self.metrics = tuple(m.name for m in asked.loop.charter.watched) if asked.storable else asked.metrics
        self.kinds: list[What] = [(place, length) for length in asked.lengths for place in range(len(asked.cuts))]
        self.found: Found = {what: {} for what in self.kinds}
        self.fresh: list[Entry] = []
        self.stamps: dict[int, Stamp] = {}
        self.wide: set[int] = set()

    def read(self) -> Found:
        from loop_core.monitor.settled.others import put_together

        held, missing = self._stored()
        for (place, length), (w, value), one in held:
            if length == 1:
                self.found[place, 1][w, value] = _told(one, one.mature(self.asked.as_of))
        every = sorted({w for wanted in missing.values() for w in wanted})
        kept = Fresh(self.asked, self.stored, every) if self.asked.storable and every else None
        if self.asked.keeping:
            missing = {what: numbers & kept.lasting(what[1]) if kept else set() for what, numbers in missing.items()}
            every = sorted({w for wanted in missing.values() for w in wanted})
        for first, last in _runs(every, max(1, self.windows_of(ROWS) - max(self.asked.lengths)) if every else 1):
            self._measure(first, last, missing, kept)
        for (place, length), (w, value), one in held:
            if length > 1:
                parts = [self.found[place, 1].get((k, value)) for k in range(w - length + 1, w + 1)]
                self.found[place, length][w, value] = _told(one, sum(part.mature for part in parts if part))
        if not self.asked.keeping:
            put_together(self.asked, self.first, self.found, self.wide, self.metrics, self.stamps)
        return {what: self._shown(what) for what in self.kinds}

    def _stored(self) -> tuple[list[tuple[What, Place, Held]], dict[What, set[int]]]:
        """What is stored and holds, and the windows that are missing."""
        held: list[tuple[What, Place, Held]] = []
        missing: dict[What, set[int]] = {what: set() for what in self.kinds}
        for place, length in self.kinds:
            for w in range(self.first + length - 1, 1):
                entry = self._entry(place, w, length)
                if entry is None:
                    missing[place, length].add(w)
                else:
                    self._stamp(place, length, w, entry)
                    held += [((place, length), (w, value), one) for value, one in entry.values.items()]
        return held, missing

    def _entry(self, place: int, w: int, length: int) -> Entry | None:
        if not self.asked.storable:
            return None
        return self.stored.entry(self.asked.cuts[place].name, w, length, self.asked.as_of)

    def _measure(self, first: int, last: int, missing: Mapping[What, set[int]], kept: Fresh | None) -> None:
        """Measure the missing ones of a run of windows from their rows."""
        wanted = {what: {w for w in numbers if first <= w <= last} for what, numbers in missing.items()}
        longest = max(length for (_, length), numbers in wanted.items() if numbers)
        rows = self.asked.rows(self.asked.cuts, first - longest + 1, last)
        for (place, length), numbers in wanted.items():
            cut, column = self.asked.cuts[place], f"c{place}"
            if cut.cohorts and rows.frame[column].n_unique() > TOO_MANY * cut.max_values:
                self.wide.add(place)
            elif numbers:
                always = kept.lasting(length) if kept else frozenset()
                found = rows.summaries(column, Runs(length, numbers), self.metrics, self.asked.asked_share, always)
                self.found[place, length].update(found)
                if kept:
                    made = kept.entries(cut.name, Runs(length, numbers & always), found, rows, column)
                    self.fresh += made.values()
                    for w, entry in made.items():
                        self._stamp(place, length, w, entry)

    def _stamp(self, place: int, length: int, w: int, entry: Entry) -> None:
        if (place, length) == (0, 1):
            self.stamps[w] = self.asked.windows.span(w)[0], entry.valid_from, entry.seen

    def missing(self) -> dict[What, set[int]]:
        """Windows that are not stored, or no longer hold."""
        return self._stored()[1]

    def windows_of(self, rows: int) -> int:
        """About how many windows have so many rows."""
        sizes = [entry.predictions for entry in self.stored.entries(None) if entry.days == self.asked.windows.days]
        if sizes:
            return rows // max(*sizes, 1)
        return rows * (1 - self.first) // max(_count(self.asked.loop), 1)

    def _shown(self, what: What) -> dict[Place, Summary]:
        """In order, without metrics of too few mature rows; only runs that begin and end within the data."""
        (place, length), places = what, self.found[what]
        scored = [w for w, _ in self.found[place, 1]] or [0]
        oldest, newest = min(scored) + length - 1, max(scored)
        order = sorted(places, key=lambda at: (at[0], at[1] is not None, at[1] or ""))
        return {at: _ripe(places[at], self.asked.asked_share) for at in order if oldest <= at[0] <= newest}


def _count(loop: Loop) -> int:
    """Predictions, scored or not."""
    return int(loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0])


def _told(held: Held, mature: int) -> Summary:
    return Summary(held.predictions, mature, held.n, held.versions, held.measured)


def _ripe(summary: Summary, asked: float) -> Summary:
    return summary if summary.mature >= asked * summary.predictions else replace(summary, measured={})


def _runs(numbers: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Consecutive numbers as (first, last), at most so many in each."""
    start = None
    for place, w in enumerate(numbers):
        start = w if start is None else start
        if place + 1 == len(numbers) or numbers[place + 1] != w + 1 or w - start + 1 == most:
            yield start, w
            start = None
