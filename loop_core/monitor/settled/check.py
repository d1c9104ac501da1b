"""Do the stored windows say what their rows say?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from loop_core.monitor.cut import Cut
from loop_core.monitor.measure import Measured
from loop_core.monitor.settled import store
from loop_core.monitor.settled.changes import changed_days
from loop_core.monitor.settled.reading import Asked
from loop_core.monitor.settled.store import Entry, Mark
from loop_core.monitor.settled.summary import Runs, Summary
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: A check measures windows of about this many rows again, spread evenly over time.
CHECKED_ROWS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MeasureCheck:
    """What measuring again found."""

    windows: int
    """Stored windows that still hold; each way to split one counts."""
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
        entries = _holding(loop, mark)
        rows = sum(held.predictions for entry in entries for held in entry.values.values())
        chosen = entries[:: max(1, rows // CHECKED_ROWS)]
        wrong = [entry for entry in chosen if not _agrees(loop, entry)]
    return MeasureCheck(len(entries), len(chosen), tuple(_sentences(wrong)))


def _holding(loop: Loop, mark: Mark) -> list[Entry]:
    changed = changed_days(loop, mark.snapshot, loop.lake.snapshot())
    entries = store.read_entries(loop, None, _EPOCH.date(), 1)
    return [entry for entry in entries if changed is not None and not entry.touched(changed)]


def _agrees(loop: Loop, entry: Entry) -> bool:
    """Whether a window read from its rows comes to what is stored, as known when the entry began to hold."""
    end = datetime.combine(entry.end_day, time(), UTC)
    windows, as_of = Windows(end, entry.days), entry.valid_from.astimezone(UTC)
    cut = Cut(() if entry.cohort is None else (loop.charter.cohort(entry.cohort),))
    metrics = tuple(metric.name for metric in loop.charter.metrics)
    asked = Asked(loop, as_of, windows, (cut,), metrics, 0)
    rows = asked.rows((cut,), 0, 0)
    found = {value: one for (_, value), one in rows.summaries("c0", Runs(1, (0,)), metrics, 0.0).items()}
    return found.keys() == entry.values.keys() and all(
        _same(found[value], held, held.mature(asked.as_of) if entry.single else found[value].mature)
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
