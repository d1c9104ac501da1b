"""Measured windows brought up to date: what settled is measured and stored, what changed is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from loop_core.errors import StorageError
from loop_core.monitor.changes import changed_days
from loop_core.monitor.cut import Cut
from loop_core.monitor.settled import store
from loop_core.monitor.settled.reading import OLDEST, Asked, read_summaries
from loop_core.monitor.settled.standing import Standing, keep, remember, standing
from loop_core.monitor.settled.store import Entry, Mark
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Who the lake says stored what a reader measured.
READER = "monitor"


def refresh_measures(loop: Loop, as_of: datetime) -> None:
    """Measure the windows that settled since: everybody's with their trend, and those of every declared cohort.

    Cheap when nothing did; nothing is stored while the past is replayed. The windows are those that end with the day of `as_of`; on another weekday they are others.
    """
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    metrics = tuple(metric.name for metric in loop.charter.watched)
    cohorts = tuple(Cut((cohort,)) for cohort in loop.charter.cohorts)
    with loop.lake.one_snapshot():
        if standing(loop, windows, (1,), as_of).replayed:
            return
    everybody = Asked(loop, as_of, windows, (Cut(()),), metrics, OLDEST, (1, loop.charter.monitor.trend_windows), True)
    read_summaries(everybody)
    if cohorts:
        read_summaries(Asked(loop, as_of, windows, cohorts, metrics, OLDEST, keeping=True))


def keep_fresh(was: Standing, lengths: Sequence[int], fresh: Sequence[Entry], as_of: datetime) -> None:
    """Store what a reading measured, and note what it found changed; not where the lake cannot be written."""
    if not fresh and (was.mark is None or was.changed == frozenset()):
        return
    loop, mark = was.loop, Mark(was.snapshot, store.key_of(was.loop.charter))
    if was.replayed:
        remember(was, mark, fresh, as_of)
        return
    gone = was.changed if was.mark is not None and was.mark.key == mark.key else None
    # Whoever was quicker stored the same, or newer: then nothing is lost but this reader's work.
    with suppress(StorageError, store.MovedError):
        loop.lake.write(
            lambda tx: store.write(tx, loop, was.mark, mark, gone, fresh), actor=READER, message="windows measured"
        )
        keep(was, lengths, mark, fresh)


def settle_measures(loop: Loop) -> None:
    """What maintenance does before it expires snapshots: the mark moves on, and what a recount contradicts goes."""
    from loop_core.monitor.settled.check import recount_measures

    found = recount_measures(loop)
    with loop.lake.one_snapshot():
        mark, newest = store.read_mark(loop.lake.rows(store.select_mark(loop))), loop.lake.snapshot()
        changed = changed_days(loop, mark.snapshot, newest) if mark else None
    if mark is None:
        return
    gone = changed if found is not None and not found.differences else None
    with suppress(store.MovedError):
        moved = Mark(newest, store.key_of(loop.charter))
        loop.lake.write(
            lambda tx: store.write(tx, loop, mark, moved, gone, ()), actor="maintenance", message="windows measured"
        )
