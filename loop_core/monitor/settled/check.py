"""Do the stored windows say what their rows say?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from loop_core.monitor.changes import changed_days
from loop_core.monitor.cut import Cut
from loop_core.monitor.measure import Measured
from loop_core.monitor.settled import store
from loop_core.monitor.settled.reading import Asked
from loop_core.monitor.settled.store import Entry, Mark
from loop_core.monitor.settled.summary import Runs, Summary
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: A check reads at most so many windows again, spread evenly over time, and about so many rows.
CHECKED_WINDOWS, CHECKED_ROWS = 40, 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MeasureCheck:
    """What measuring again found."""

    windows: int
    """Stored windows that still hold."""
    checked: int
    """Of them, those that were measured again."""
    differences: tuple[str, ...]
    """A sentence for each that differs."""


def recount_measures(loop: Loop) -> MeasureCheck | None:
    """Measure stored windows again and compare. Changes nothing. None: none is stored.

    Windows whose rows changed since are no difference: whoever reads next measures them again.
    """
    with loop.lake.one_snapshot():
        mark = store.read_mark(loop.lake.rows(store.select_mark(loop)))
        if mark is None or mark.key != store.key_of(loop.charter):
            return None
        windows = _holding(loop, mark)
        rows = sum(held.predictions for entries in windows for held in entries[0].values.values())
        step = max(1, rows // CHECKED_ROWS, -(-len(windows) // CHECKED_WINDOWS))
        chosen = windows[::step]
        wrong = [entry for entries in chosen for entry in _wrong(loop, entries)]
    return MeasureCheck(len(windows), len(chosen), tuple(_sentences(wrong)))


def _holding(loop: Loop, mark: Mark) -> list[list[Entry]]:
    """Stored windows that still hold, each with its entries: everybody's and by cohort."""
    changed = changed_days(loop, mark.snapshot, loop.lake.snapshot())
    found: dict[tuple[object, ...], list[Entry]] = {}
    for entry in store.read_entries(loop, None, _EPOCH.date(), 1):
        if changed is not None and not entry.touched(changed):
            found.setdefault((entry.first_day, entry.days, entry.valid_from), []).append(entry)
    return [found[key] for key in sorted(found, key=str)]


def _wrong(loop: Loop, entries: Sequence[Entry]) -> Iterator[Entry]:
    """Those of a window's entries that its rows contradict, as known when they began to hold."""
    end = datetime.combine(entries[0].end_day, time(), UTC)
    windows, as_of = Windows(end, entries[0].days), entries[0].valid_from.astimezone(UTC)
    cuts = tuple(Cut(() if e.cohort is None else (loop.charter.cohort(e.cohort),)) for e in entries)
    metrics = tuple(metric.name for metric in loop.charter.watched)
    rows = Asked(loop, as_of, windows, cuts, metrics, 0).rows(cuts, 0, 0)
    for place, entry in enumerate(entries):
        found = rows.summaries(f"c{place}", Runs(1, (0,)), metrics, 0.0)
        if not _agrees({value: one for (_, value), one in found.items()}, entry, as_of):
            yield entry


def _agrees(found: Mapping[str | None, Summary], entry: Entry, as_of: datetime) -> bool:
    return found.keys() == entry.values.keys() and all(
        _same(found[value], held, held.mature(as_of) if entry.single else found[value].mature)
        for value, held in entry.values.items()
    )


def _same(found: Summary, held: store.Held, mature: int) -> bool:
    counts = (found.predictions, found.n, found.mature, found.versions)
    return counts == (held.predictions, held.n, mature, held.versions) and all(
        _close(found.measured[name], told) for name, told in held.measured.items()
    )


def _close(one: Measured | None, other: Measured | None) -> bool:
    if one is None or other is None:
        return one is other
    pairs = ((one.value, other.value), (one.se, other.se), (one.freedom, other.freedom))
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in pairs)


def _sentences(wrong: Sequence[Entry]) -> Iterator[str]:
    for entry in wrong[:5]:
        of = f" by {entry.cohort}" if entry.cohort else ""
        yield f"The metrics stored of {entry.first_day} – {entry.end_day - timedelta(days=1)}{of} differ from its rows."
    if wrong[5:]:
        yield f"So do {len(wrong) - 5} more windows."
