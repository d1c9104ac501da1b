"""Measured windows in the lake: the tables, and up to which snapshot they follow the rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter
from loop_core.lake import Transaction
from loop_core.lake.tables import MEASURE_STATE, MEASURES, quoted
from loop_core.monitor.measure import Measured
from loop_core.monitor.settled.summary import Summary
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Entry:
    """One settled window of one way to split it."""

    cohort: str | None
    """Declared cohort; None: everybody."""
    first_day: date
    days: int
    valid_from: datetime
    """From this instant on the window reads so: its label horizon is over, and the newest statement known …"""
    valid_until: datetime | None
    """… until this one, at which the next statement about it is known; None: there is none."""
    seen: int
    """Snapshot in which it was measured: the same number, the same rows."""
    values: Mapping[str | None, Summary]
    """Cohort value → what its rows come to; empty: nothing was scored."""

    @property
    def end_day(self) -> date:
        """Exclusive."""
        return self.first_day + timedelta(days=self.days)


@dataclass(frozen=True)
class Mark:
    """What the stored windows are of."""

    snapshot: int
    """They follow the rows up to this snapshot."""
    key: str


class MovedError(Exception):
    """Another process moved the mark first; never leaves this stage."""


def key_of(charter: Charter) -> str:
    """Hash of everything that measured windows are of but the rows."""
    cohorts = [(c.name, c.sql) for c in charter.cohorts]
    metrics = [m.name for m in charter.metrics]
    what = [charter.labels.horizon_days, cohorts, metrics]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def read_entries(loop: Loop, lengths: Sequence[int], anchor: date, step: int) -> list[Entry]:
    """Stored windows of these lengths in days that begin a whole number of steps from an anchor day.

    Args:
        loop: the loop.
        lengths: in days.
        anchor: any day.
        step: in days.
    """
    frame = loop.lake.frame(
        f"select {', '.join(MEASURES)} from {loop.table('measures')} where list_contains($lengths, days)"
        " and (first_day - $anchor::date) % $step = 0",
        {"lengths": list(lengths), "anchor": anchor, "step": step},
    )
    found: dict[Any, dict[str | None, Summary]] = {}
    for *place, value, predictions, n, versions, metric, measured, se, freedom in frame.iter_rows():
        values = found.setdefault(tuple(place), {})
        if metric is None:
            continue
        summary = values.setdefault(value, Summary(predictions, predictions, n, frozenset(versions), {}))
        told = None if measured is None else Measured(measured, se, freedom)
        values[value] = Summary(predictions, predictions, n, summary.versions, {**summary.measured, metric: told})
    return [Entry(*place, values) for place, values in found.items()]


def write(
    tx: Transaction, loop: Loop, was: Mark | None, mark: Mark, gone: Collection[int] | None, fresh: Iterable[Entry]
) -> None:
    """Take away what changed, add what was measured, and move the mark on.

    Args:
        tx: the transaction.
        loop: the loop.
        was: where the mark is expected.
        mark: where it goes.
        gone: days since 1970 whose windows no longer hold; None: none holds.
        fresh: windows measured in the mark's snapshot.

    Raises:
        MovedError: the mark is not where it was expected.
    """
    if read_mark(tx.execute(select_mark(loop))) != was:
        raise MovedError
    if gone is None:
        tx.execute(f"delete from {loop.table('measures')}")
    elif gone:
        days = [date(1970, 1, 1) + timedelta(days=day) for day in sorted(gone)]
        tx.execute(
            f"delete from {loop.table('measures')} where len(list_filter($gone, lambda d: d >= first_day and d < first_day + days)) > 0",
            {"gone": days},
        )
    frame = _frame(fresh)
    if frame.height:
        tx.register("new_measures", frame)
        names = ", ".join(quoted(name) for name in MEASURES)
        tx.execute(f"insert into {loop.table('measures')} ({names}) select {names} from new_measures")
    # Two transactions that delete the same row cannot both commit: that is what makes racing writers safe.
    tx.execute(f"delete from {loop.table('measure_state')}")
    tx.execute(f"insert into {loop.table('measure_state')} values ($snapshot, $key)", vars(mark))


def select_mark(loop: Loop) -> str:
    """SQL of the mark."""
    return f"select {', '.join(MEASURE_STATE)} from {loop.table('measure_state')}"


def read_mark(rows: Sequence[tuple[Any, ...]]) -> Mark | None:
    """The mark; None: nothing is stored."""
    return Mark(*rows[0]) if rows else None


def _frame(entries: Iterable[Entry]) -> pl.DataFrame:
    import polars as pl

    instant = pl.Datetime("us", "UTC")
    types: dict[str, Any] = {"date": pl.Date, "integer": pl.Int32, "bigint": pl.Int64, "varchar": pl.String}
    types |= {"timestamptz": instant, "double": pl.Float64, "varchar[]": pl.List(pl.String)}
    schema = {name: types[kind] for name, kind in MEASURES.items()}
    return pl.DataFrame([row for entry in entries for row in _rows(entry)], schema=schema, orient="row")


def _rows(entry: Entry) -> Iterable[tuple[Any, ...]]:
    until = entry.valid_until and entry.valid_until.astimezone(UTC)
    place = (entry.cohort, entry.first_day, entry.days, entry.valid_from.astimezone(UTC), until, entry.seen)
    # The window itself: it was measured, whatever was found in it.
    yield (*place, None, None, None, None, None, None, None, None)
    for value, one in entry.values.items():
        for metric, told in one.measured.items():
            numbers = (told.value, told.se, told.freedom) if told else (None, None, None)
            yield (*place, value, one.predictions, one.n, sorted(one.versions), metric, *numbers)
