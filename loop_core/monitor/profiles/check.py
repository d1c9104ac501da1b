"""Do the stored profiles say what the rows say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
#: Sums that are added to and taken away from err by less than this part of the sum of squares.
ROUNDING = 1e-6
_SUMS = ("finite", "total", "squares")
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
    import polars as pl

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
    frames = [frame for frame in tally.frames() if frame.height]
    return _unequal(pl.concat(frames) if frames else stored.clear(), stored)


def _unequal(counted: pl.DataFrame, stored: pl.DataFrame) -> set[date]:
    """Days on which profile rows do not add up to what was counted: bins exactly, sums but for rounding."""
    import polars as pl

    once = stored.filter(pl.len().over(_GROUP) == 1)
    both = counted.join(once, on=_GROUP, nulls_equal=True)
    alike = both.filter(
        pl.col("counts") == pl.col("counts_right"),
        *_same({name: pl.col(name) - pl.col(f"{name}_right") for name in _SUMS}, pl.col("squares")),
    )
    rest = pl.concat(
        frame.join(alike, on=_GROUP, how="anti", nulls_equal=True).with_columns(sign=sign)
        for frame, sign in ((counted, 1), (stored, -1))
    )
    bins, signed = pl.int_ranges(0, pl.col("counts").list.len()).alias("bin"), pl.col("counts") * pl.col("sign")
    cells = rest.select(*_GROUP, "sign", bins, "counts").explode("bin", "counts", empty_as_null=False)
    left = cells.group_by(*_GROUP, "bin").agg(signed.sum()).filter(pl.col("counts") != 0)
    sums = rest.group_by(_GROUP).agg(
        pl.col("squares").max().alias("size"), *((pl.col(name) * pl.col("sign")).sum().alias(name) for name in _SUMS)
    )
    agree = pl.all_horizontal(_same({name: pl.col(name) for name in _SUMS}, pl.col("size")))
    return set(left["day"]) | set(sums.filter(~agree)["day"])


def _same(differences: Mapping[str, pl.Expr], squares: pl.Expr) -> list[pl.Expr]:
    """Whether differences of sums are those of rounding."""
    return [difference.abs() <= ROUNDING * (1 + squares) for difference in differences.values()]


def _sentences(wrong: Sequence[date]) -> list[str]:
    shown = [f"The profiles of {day} differ from its rows." for day in wrong[:5]]
    return shown + ([f"So do {len(wrong) - 5} more days."] if len(wrong) > 5 else [])
