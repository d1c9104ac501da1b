"""Which stored windows hold in the snapshot that is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from loop_core.monitor.kept import kept_of
from loop_core.monitor.settled import store
from loop_core.monitor.settled.changes import changed_days
from loop_core.monitor.settled.store import Entry, Mark
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: (cohort, first day, days) → what is stored of that window, one entry for each span of validity.
Shelf = Mapping[tuple[str | None, date, int], Sequence[Entry]]


@dataclass(frozen=True)
class Standing:
    """What is stored of a loop, seen from one snapshot."""

    loop: Loop
    windows: Windows
    snapshot: int
    first: datetime | None
    """When the oldest prediction was made; None: there is none."""
    last_told: datetime | None
    """When the newest statement of the lake was known, also later than one looks from."""
    predictions: int
    """All there are, scored or not."""
    mark: Mark | None
    changed: frozenset[int] | None
    """Days since 1970 whose rows changed after the mark; None: nobody can tell."""
    shelf: Shelf

    def entry(self, cohort: str | None, number: int, length: int, as_of: datetime) -> Entry | None:
        """What is stored of the run of `length` windows that ends with a number, if it holds at an instant."""
        start, days = self.windows.span(number - length + 1)[0].date(), self.windows.days * length
        for entry in self.shelf.get((cohort, start, days), ()):
            holds = entry.valid_from <= as_of and (entry.valid_until is None or as_of < entry.valid_until)
            if holds and self.changed is not None and not entry.touched(self.changed):
                return entry
        return None


def standing(loop: Loop, windows: Windows, lengths: Sequence[int]) -> Standing:
    """What is stored of windows of these lengths. Call it in one snapshot of the lake."""
    snapshot, first, predictions, last_told, *state = loop.lake.rows(
        f"""select (from ducklake_current_snapshot('lake')), (select min(predicted_at) from {loop.table("predictions")}),
        (select count(*) from {loop.table("predictions")}), (select max(observed_at) from {loop.table("outcomes")}), *
        from (select 1) left join ({store.select_mark(loop)}) on true"""
    )[0]
    mark = Mark(*state[1:]) if state[1] is not None else None
    if mark is None or mark.key != store.key_of(loop.charter):
        return Standing(loop, windows, snapshot, first, last_told, predictions, mark, None, {})
    changed = kept_of(loop.lake).get(
        ("changed", loop.name, mark.snapshot, snapshot), lambda: changed_days(loop, mark.snapshot, snapshot)
    )
    shelf = kept_of(loop.lake).get(
        _content(loop, windows, lengths, mark),
        lambda: shelved(store.read_entries(loop, _days(windows, lengths), windows.end.date(), windows.days)),
    )
    return Standing(loop, windows, snapshot, first, last_told, predictions, mark, changed, shelf)


def shelved(entries: Iterable[Entry]) -> Shelf:
    """Entries by their window."""
    found: dict[tuple[str | None, date, int], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.cohort, entry.first_day, entry.days), []).append(entry)
    return found


def keep(was: Standing, lengths: Sequence[int], mark: Mark, fresh: Iterable[Entry]) -> None:
    """Remember what is stored once `fresh` was written beside what held, so that it need not be read again."""
    held = [entry for entries in was.shelf.values() for entry in entries if not entry.touched(was.changed or ())]
    kept = kept_of(was.loop.lake)
    kept.put(_content(was.loop, was.windows, lengths, mark), shelved([*held, *fresh]))
    # Snapshots are numbered in turn: where ours is the next, nobody else changed anything in between.
    if was.loop.lake.snapshot() == was.snapshot + 1:
        kept.put(("changed", was.loop.name, mark.snapshot, was.snapshot + 1), frozenset())


def _content(loop: Loop, windows: Windows, lengths: Sequence[int], mark: Mark) -> tuple[object, ...]:
    return ("windows", loop.name, mark, *_days(windows, lengths), windows.end.date().toordinal() % windows.days)


def _days(windows: Windows, lengths: Sequence[int]) -> list[int]:
    return [windows.days * length for length in lengths]
