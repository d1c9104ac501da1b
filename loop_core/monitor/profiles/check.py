"""Do the stored profiles say what the rows say?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from loop_core.errors import StorageError
from loop_core.lake import Reading
from loop_core.monitor.changes import changes
from loop_core.monitor.profiles import store
from loop_core.monitor.profiles.follow import BATCH
from loop_core.monitor.profiles.learn import FAR
from loop_core.monitor.profiles.plan import Plan
from loop_core.monitor.profiles.sources import SOURCES, Source, bound
from loop_core.monitor.profiles.tally import Tally
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: A check counts about this many rows again; of a larger loop, days spread evenly over its time.
CHECKED_ROWS = 1_000_000
_GROUP = ["day", "subject", "cohort", "cohort_value"]


@dataclass(frozen=True)
class ProfileCheck:
    """What a recount found."""

    days: int
    """Days with predictions or ratings."""
    checked: int
    """Days that were counted again."""
    differences: tuple[str, ...]
    """A sentence for each day that differs."""


def check_profiles(loop: Loop) -> list[str]:
    """Sentences of what differs between the stored profiles and a recount, which is bounded; empty: nothing."""
    found = recount(loop)
    return list(found.differences) if found else []


def recount(loop: Loop) -> ProfileCheck | None:
    """Count days again and compare. Changes nothing. None: there are no profiles, or what they are of is gone.

    Rows that came since the last refresh are no difference: both sides are as of its snapshot.
    """
    mark = store.read_mark(loop)
    if mark is None:
        return None
    plan, snapshot = store.read_plan(loop, mark), _snapshot(loop, mark)
    if plan.key != mark.key or snapshot is None or {c.name for c in loop.charter.cohorts} != set(plan.cohorts):
        return None
    reading = Reading.at(loop.lake, loop.charter, FAR, snapshot)
    days, checked, wrong = set[date](), set[date](), set[date]()
    for source in SOURCES:
        there = f"select {source.time}::date as d, count(*) from {source.table} where {source.counted} group by d order by d"
        rows = reading.rows(there)
        chosen = [day for day, _ in rows][:: max(1, sum(n for _, n in rows) // CHECKED_ROWS)]
        stray = _days(loop, plan, source) - {day for day, _ in rows}
        wrong |= _wrong(loop, reading, plan, source, chosen) | stray
        days, checked = days | {day for day, _ in rows}, checked | set(chosen)
    return ProfileCheck(len(days), len(checked), tuple(_sentences(sorted(wrong))))


def _days(loop: Loop, plan: Plan, source: Source) -> set[date]:
    """Days of which the profiles say that a source has rows."""
    sql = f"""select day from {loop.table("profiles")} where binning = $id and cohort is null and list_contains($subjects, subject)
      group by day having sum(n) <> 0"""
    return {row[0] for row in loop.lake.rows(sql, {"id": plan.id, "subjects": list(source.subjects(plan))})}


def _snapshot(loop: Loop, mark: store.Mark) -> int | None:
    """A snapshot that shows the rows the profiles are of; None: it expired, and rows changed since."""
    newest = loop.lake.snapshot()
    try:
        there = loop.lake.rows(
            "select count(*) from ducklake_snapshots('lake') where snapshot_id = $id", {"id": mark.snapshot}
        )[0][0]
        return mark.snapshot if there else (None if changes(loop, mark.snapshot, newest).profiled else newest)
    except StorageError:
        return None


def _wrong(loop: Loop, reading: Reading, plan: Plan, source: Source, days: Sequence[date]) -> set[date]:
    """Those of the days whose profiles differ from their rows."""
    cohorts, subjects = loop.charter.cohorts, source.subjects(plan)
    tally = Tally(plan, cohorts, subjects)
    view, sql = source.rows(reading, plan, cohorts, subjects, f"list_contains($days, {source.time}::date)")
    for batch in view.batches(sql, BATCH, days=list(days), **bound(plan, subjects)):
        tally.add(batch)
    stored = loop.lake.frame(
        f"""select * exclude (binning) from {loop.table("profiles")}
        where binning = $id and list_contains($days, day) and list_contains($subjects, subject)""",
        {"id": plan.id, "days": list(days), "subjects": list(subjects)},
    )
    both = [*((frame, 1) for frame in tally.frames()), (stored, -1)]
    return _unequal([(frame, sign) for frame, sign in both if frame.height])


def _unequal(parts: Sequence[tuple[pl.DataFrame, int]]) -> set[date]:
    """Days on which the signed bins of profile rows do not cancel out."""
    import polars as pl

    if not parts:
        return set()
    bins = pl.int_ranges(0, pl.col("counts").list.len()).alias("bin")
    cells = pl.concat(
        frame.select(*_GROUP, bins, "counts")
        .explode("bin", "counts", empty_as_null=False)
        .with_columns(pl.col("counts").cast(pl.Int64) * sign)
        for frame, sign in parts
    )
    left = cells.group_by(*_GROUP, "bin").agg(pl.col("counts").sum()).filter(pl.col("counts") != 0)
    return set(left["day"])


def _sentences(wrong: Sequence[date]) -> list[str]:
    shown = [f"The profiles of {day} differ from its rows." for day in wrong[:5]]
    return shown + ([f"So do {len(wrong) - 5} more days."] if len(wrong) > 5 else [])
