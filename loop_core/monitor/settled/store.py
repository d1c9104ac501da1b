"""Measured windows in the lake: the tables, and up to which snapshot they follow the rows."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter
from loop_core.lake import Transaction
from loop_core.lake.tables import MEASURE_STATE, MEASURES, quoted
from loop_core.monitor.measure import Measured
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Held:
    """What is stored of one cohort value in one window: nothing that depends on when one looks."""

    predictions: int
    n: int
    versions: frozenset[str]
    measured: Mapping[str, Measured | None]
    """Metric → value, also where too few rows are mature yet to say it."""
    due: tuple[int, ...] | None
    """When each row without label will be overdue, those that were not when it was measured, µs since 1970, rising.
    None: not kept, because none is overdue while the entry holds, or the entry is of several windows together."""

    def mature(self, as_of: datetime) -> int:
        """Rows whose label is known or overdue at an instant."""
        if self.due is None:
            return self.n
        return self.predictions - len(self.due) + bisect_right(self.due, as_of.timestamp() * 1e6)


@dataclass(frozen=True)
class Entry:
    """One window of one way to split it, or several windows together."""

    cohort: str | None
    """Declared cohort; None: everybody."""
    first_day: date
    days: int
    valid_from: datetime
    """From this instant on the window reads so: it is over, and the newest statement about it known …"""
    valid_until: datetime | None
    """… until this one, at which something else is known; None: nothing is."""
    seen: int
    """Snapshot in which it was measured: the same number, the same rows."""
    values: Mapping[str | None, Held]
    """Cohort value → what its rows come to; empty: nothing was scored."""

    @property
    def end_day(self) -> date:
        """Exclusive."""
        return self.first_day + timedelta(days=self.days)

    @property
    def predictions(self) -> int:
        """Scored rows in it."""
        return sum(held.predictions for held in self.values.values())

    @property
    def single(self) -> bool:
        """Whether it is a window by itself: those of several windows keep nothing of who waits for a label."""
        return any(held.due is not None for held in self.values.values())

    def touched(self, days: Collection[int]) -> bool:
        """Whether one of these days since 1970 is in it."""
        first = (self.first_day - _EPOCH).days
        return any(first <= day < first + self.days for day in days)


@dataclass(frozen=True)
class Mark:
    """What the stored windows are of."""

    snapshot: int
    """They follow the rows up to this snapshot."""
    key: str


_EPOCH = date(1970, 1, 1)


class MovedError(Exception):
    """Another process moved the mark first; never leaves this stage."""


def key_of(charter: Charter) -> str:
    """Hash of everything that measured windows are of but the rows."""
    cohorts = [(c.name, c.sql) for c in charter.cohorts]
    metrics = [m.name for m in charter.watched]
    what: list[object] = [charter.labels.horizon_days, cohorts, metrics]
    if charter.labels.never == "negative":
        what.append(charter.labels.never)
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def read_entries(loop: Loop, lengths: Sequence[int] | None, anchor: date, step: int) -> list[Entry]:
    """Stored windows of these lengths in days that begin a whole number of steps from an anchor day.

    Args:
        loop: the loop.
        lengths: in days; None: any.
        anchor: any day.
        step: in days.
    """
    frame = loop.lake.frame(
        f"select {', '.join(MEASURES)} from {loop.table('measures')} where coalesce(list_contains($lengths, days), true)"
        " and (first_day - $anchor::date) % $step = 0",
        {"lengths": lengths and list(lengths), "anchor": anchor, "step": step},
    )
    metrics = [metric.name for metric in loop.charter.watched]
    found: dict[Any, dict[str | None, Held]] = {}
    for *place, value, predictions, n, versions, due, measured, se, freedom in frame.iter_rows():
        values = found.setdefault(tuple(place), {})
        if predictions is None:
            continue
        told = [None if row[0] is None else Measured(*row) for row in zip(measured, se, freedom, strict=True)]
        kept = None if due is None else tuple(due)
        values[value] = Held(predictions, n, frozenset(versions), dict(zip(metrics, told, strict=True)), kept)
    return [Entry(*place, values) for place, values in found.items()]  # type: ignore[call-arg]


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
        days = [_EPOCH + timedelta(days=day) for day in sorted(gone)]
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

    types: dict[str, Any] = {"date": pl.Date, "integer": pl.Int32, "bigint": pl.Int64, "varchar": pl.String}
    types |= {"timestamptz": pl.Datetime("us", "UTC"), "double": pl.Float64}
    types |= {f"{name}[]": pl.List(kind) for name, kind in types.items()}
    schema = {name: types[kind] for name, kind in MEASURES.items()}
    return pl.DataFrame([row for entry in entries for row in _rows(entry)], schema=schema, orient="row")


def _rows(entry: Entry) -> Iterable[tuple[Any, ...]]:
    until = entry.valid_until and entry.valid_until.astimezone(UTC)
    place = (entry.cohort, entry.first_day, entry.days, entry.valid_from.astimezone(UTC), until, entry.seen)
    # The window itself: it was measured, whatever was found in it.
    yield (*place, *[None] * 8)
    for value, held in entry.values.items():
        told = [(m.value, m.se, m.freedom) if m else (None, None, None) for m in held.measured.values()]
        due = None if held.due is None else list(held.due)
        yield (*place, value, held.predictions, held.n, sorted(held.versions), due, *map(list, zip(*told, strict=True)))
