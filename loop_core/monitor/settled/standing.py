"""Which stored windows hold in the snapshot that is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from loop_core.lake.times import happened
from loop_core.monitor.changes import changed_days, changes
from loop_core.monitor.kept import kept_of
from loop_core.monitor.settled import store
from loop_core.monitor.settled.store import Entry, Mark
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: (cohort, first day, days) → what is stored of that window, one entry for each span of validity.
Shelf = Mapping[tuple[str | None, date, int], Sequence[Entry]]

Stamp = tuple[datetime, datetime, int]
"""(when a window begins, since when it reads so, snapshot in which it was measured)."""


@dataclass(frozen=True)
class Standing:
    """What is stored of a loop, seen from one snapshot."""

    loop: Loop
    windows: Windows
    snapshot: int
    first: datetime | None
    """Where the predictions begin (`Loop.span`); None: there are none."""
    mark: Mark | None
    changed: frozenset[int] | None
    """Days since 1970 whose rows changed after the mark; None: nobody can tell."""
    shelf: Shelf
    replayed: bool
    """Whether the lake knows already what was said later: then windows are remembered by this process and not stored,
    because what comes to be known changes most of them each week."""

    def entries(self, cohort: str | None) -> Iterator[Entry]:
        """Everything that is stored of a cohort, whether it holds or not."""
        return (entry for (name, _, _), entries in self.shelf.items() if name == cohort for entry in entries)

    def entry(self, cohort: str | None, number: int, length: int, as_of: datetime) -> Entry | None:
        """What is stored of the run of `length` windows that ends with a number, if it holds at an instant."""
        start, days = self.windows.span(number - length + 1)[0].date(), self.windows.days * length
        for entry in self.shelf.get((cohort, start, days), ()):
            holds = entry.valid_from <= as_of and (entry.valid_until is None or as_of < entry.valid_until)
            if holds and self.changed is not None and not entry.touched(self.changed):
                return entry
        return None


def standing(loop: Loop, windows: Windows, lengths: Sequence[int], as_of: datetime) -> Standing:
    """What is stored of windows of these lengths. Call it in one snapshot of the lake."""
    kept, snapshot = kept_of(loop.lake), loop.lake.snapshot()
    remembered = kept.look(_remembered(loop, windows))
    if remembered:
        changed_days(loop, remembered[0].snapshot, snapshot)  # tells the next line, too, what is new
    ends = _ends(loop, snapshot)
    replayed = ends.last_told is not None and ends.last_told > as_of
    there = (loop, windows, snapshot, ends.first)
    mark, shelf = (replayed and remembered) or (_mark(loop, snapshot), None)
    if mark is None or mark.key != store.key_of(loop.charter):
        return Standing(*there, mark, None, {}, replayed)
    changed = changed_days(loop, mark.snapshot, snapshot)
    if shelf is None:
        days = None if replayed else _days(windows, lengths)
        shelf = kept.get(
            (*_content(loop, windows, lengths, mark), replayed),
            lambda: shelved(store.read_entries(loop, days, windows.end.date(), windows.days)),
        )
    return Standing(*there, mark, changed, shelf, replayed)


@dataclass(frozen=True)
class _Ends:
    """Between which instants a loop's signals lie, in one snapshot."""

    snapshot: int
    first: datetime | None
    """Where the predictions begin (`Loop.span`)."""
    last_told: datetime | None
    """When the newest statement about any was known."""


def _ends(loop: Loop, snapshot: int) -> _Ends:
    kept, key = kept_of(loop.lake), ("ends", loop.name)
    was: _Ends = kept.look(key, _Ends(-1, None, None))
    since = changes(loop, was.snapshot, snapshot) if 0 <= was.snapshot <= snapshot else None
    if since is not None and since.whole and not since.predictions and not since.outcomes:
        return was
    first, last_told = was.first, was.last_told
    if since is None or not since.whole or since.predictions:
        span = loop.span()
        first = span[0] if span else None
    if since is None or not since.whole or since.outcomes:
        last_told = _last_told(loop, last_told)
    found: _Ends = kept.put(key, _Ends(snapshot, first, last_told))
    return found


def _last_told(loop: Loop, was: datetime | None) -> datetime | None:
    """When the newest outcome was known; where one was, only those known later need be read."""
    sql = f"select max(observed_at) from {loop.table('outcomes')} where {happened('observed_at')}"
    found = loop.lake.rows(f"{sql} and observed_at >= $was", {"was": was})[0][0] if was else None
    found = found or loop.lake.rows(sql)[0][0]
    return found if found is None else found.astimezone(UTC)


def _mark(loop: Loop, snapshot: int) -> Mark | None:
    found: Mark | None = kept_of(loop.lake).get(
        ("mark", loop.name, snapshot), lambda: store.read_mark(loop.lake.rows(store.select_mark(loop)))
    )
    return found


def shelved(entries: Iterable[Entry]) -> Shelf:
    """Entries by their window."""
    found: dict[tuple[str | None, date, int], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.cohort, entry.first_day, entry.days), []).append(entry)
    return found


def keep(was: Standing, lengths: Sequence[int], mark: Mark, fresh: Iterable[Entry]) -> None:
    """Remember what is stored once `fresh` was written beside what held, so that it need not be read again."""
    kept = kept_of(was.loop.lake)
    kept.put((*_content(was.loop, was.windows, lengths, mark), False), shelved([*_unchanged(was), *fresh]))
    # Snapshots are numbered in turn: where ours is the next, nobody else changed anything in between.
    if was.loop.lake.snapshot() == was.snapshot + 1:
        kept.put(("changed days", was.loop.name, mark.snapshot, was.snapshot + 1), frozenset())


def remember(was: Standing, mark: Mark, fresh: Iterable[Entry], as_of: datetime) -> None:
    """Keep in memory what was measured while the past is replayed; what holds no longer is forgotten."""
    held = [entry for entry in _unchanged(was) if entry.valid_until is None or entry.valid_until > as_of]
    kept_of(was.loop.lake).put(_remembered(was.loop, was.windows), (mark, shelved([*held, *fresh])))


def _unchanged(was: Standing) -> list[Entry]:
    if was.changed is None:
        return []
    return [entry for entries in was.shelf.values() for entry in entries if not entry.touched(was.changed)]


def _remembered(loop: Loop, windows: Windows) -> tuple[object, ...]:
    return ("replayed", loop.name, windows.days, windows.end.date().toordinal() % windows.days)


def _content(loop: Loop, windows: Windows, lengths: Sequence[int], mark: Mark) -> tuple[object, ...]:
    return ("windows", loop.name, mark, *_days(windows, lengths), windows.end.date().toordinal() % windows.days)


def _days(windows: Windows, lengths: Sequence[int]) -> list[int]:
    return [windows.days * length for length in lengths]
