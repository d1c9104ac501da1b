"""A few sums of each batch, kept for good: what a later batch of the same source is compared with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from loop_core.charter.contract import WEEKDAYS, Weekday
from loop_core.lake.tables import BATCH_STATS, EVENT_TIME
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    import polars as pl

    from loop_core.lake import Transaction
    from loop_core.workspace import Loop

_DAY_US = 86_400_000_000.0
#: A batch whose instants scatter by less than this (standard deviation, days) is about one day: evenly spread over one
#: day they scatter by 0.29, over two by 0.58.
ONE_DAY = 0.45
#: So many earlier batches of a source are looked at.
LOOK_BACK = 60


@dataclass(frozen=True)
class ColumnStats:
    """Sums over the rows of a batch that passed the row rules."""

    column: str
    n: int
    """Rows."""
    nulls: int
    total: float | None
    """Sum of the values; flags count 1, instants in days since 1970. None: text."""
    squares: float | None
    """Sum of the squared values."""

    @property
    def mean(self) -> float | None:
        """Mean of the values; None: text, or no value."""
        return self.total / (self.n - self.nulls) if self.total is not None and self.n > self.nulls else None

    @property
    def null_share(self) -> float:
        return self.nulls / self.n if self.n else 0.0

    @property
    def variance(self) -> float | None:
        """Variance of the values; None as for the mean."""
        if self.mean is None or self.squares is None:
            return None
        return max(0.0, self.squares / (self.n - self.nulls) - self.mean**2)


@dataclass(frozen=True)
class BatchStats:
    """One batch as later ones see it."""

    batch_id: str
    signal: Signal
    source: str
    arrived_at: datetime
    rows: int
    """As delivered."""
    columns: Mapping[str, ColumnStats]

    @property
    def middle(self) -> datetime | None:
        """Mean instant of its rows; None: unknown."""
        mean = self._time.mean if self._time else None
        # Lakes of programs without that rule have batches with an infinite time among their rows'.
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=mean) if mean is not None and 0 < mean < 1e5 else None

    @property
    def spread_days(self) -> float | None:
        """Standard deviation of its rows' instants."""
        variance = self._time.variance if self._time else None
        return variance**0.5 if variance is not None else None

    @property
    def daily(self) -> bool:
        """Whether its rows are about one day."""
        return self.spread_days is not None and self.spread_days <= ONE_DAY

    def weekday(self, timezone: str | None) -> Weekday | None:
        """The day of the week it is about, in a zone (None: UTC); None: it is about more than one day."""
        if not self.daily or self.middle is None:
            return None
        return WEEKDAYS[self.middle.astimezone(ZoneInfo(timezone or "UTC")).weekday()]

    @property
    def _time(self) -> ColumnStats | None:
        return self.columns.get(EVENT_TIME[self.signal])


class StatsCounter:
    """Sums the accepted rows while they are staged: they are in memory then, and nothing is read again."""

    def __init__(self, time: str) -> None:
        self._time, self._rows = time, 0
        self._nulls: dict[str, int] = defaultdict(int)
        self._sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(self, frame: pl.DataFrame) -> None:
        """Take rows of the signal's columns (and `_row`, which is no column of it)."""
        rows = frame.drop("_row")
        self._rows += rows.height
        for name, nulls in rows.null_count().row(0, named=True).items():
            self._nulls[name] += nulls
        values = {name: _value(name, kind) for name, kind in rows.schema.items() if _summed(name, kind, self._time)}
        found = rows.select(
            *(value.sum().alias(name) for name, value in values.items()),
            *(value.dot(value).alias(f"{name}²") for name, value in values.items()),
        ).row(0, named=True)
        for name in values:
            self._sums[name][0] += found[name] or 0.0
            self._sums[name][1] += found[f"{name}²"] or 0.0

    def stats(self) -> tuple[ColumnStats, ...]:
        """One for each column."""
        sums = {name: (total, squares) for name, (total, squares) in self._sums.items()}
        return tuple(
            ColumnStats(name, self._rows, nulls, *sums.get(name, (None, None))) for name, nulls in self._nulls.items()
        )


def _summed(name: str, kind: Any, time: str) -> bool:
    return bool(kind.is_numeric()) or name == time or str(kind) == "Boolean"


def _value(name: str, kind: Any) -> pl.Expr:
    import polars as pl

    if kind.is_temporal():
        return pl.col(name).dt.epoch("us").cast(pl.Float64) / _DAY_US
    return pl.col(name) if kind == pl.Float64 else pl.col(name).cast(pl.Float64)


def write_stats(tx: Transaction, loop: Loop, batch_id: str, stats: Iterable[ColumnStats]) -> None:
    """Keep a batch's sums, in the transaction that lets its rows in, which happens once."""
    columns = list(stats)
    if columns:
        values = {
            "batch_id": batch_id,
            "column": [c.column for c in columns],
            "n": [c.n for c in columns],
            "nulls": [c.nulls for c in columns],
            "total": [c.total for c in columns],
            "squares": [c.squares for c in columns],
        }
        lists = ", ".join(
            f'unnest(${name}::{kind}[]) as "{name}"' for name, kind in BATCH_STATS.items() if name != "batch_id"
        )
        tx.execute(f"insert into {loop.table('batch_stats')} by name select $batch_id as batch_id, {lists}", values)


def past_batches(
    loop: Loop,
    *signals: Signal,
    until: datetime,
    limit: int = LOOK_BACK,
    family: str | None = None,
    tx: Transaction | None = None,
) -> list[BatchStats]:
    """The newest batches of each signal that entered by an instant, oldest first; of one source family where named.

    Args:
        loop: the loop.
        signals: which.
        until: UTC instant.
        limit: batches of each signal.
        family: see `source_family`; None: of any source.
        tx: the transaction to read in; None: none.
    """
    sql = f"""
        with known as (select batch_id, signal, source_name, arrived_at, received from {loop.table("batches")}
          where list_contains($signals, signal) and state = 'ingested' and arrived_at <= $until
            and ($family is null or {_FAMILY} = $family)
          qualify row_number() over (partition by signal order by arrived_at desc, batch_id desc) <= $limit)
        select batch_id, signal, source_name, arrived_at, received, list(struct_pack(c := "column", n := n, nulls := nulls, t := total, s := squares))
        from known join {loop.table("batch_stats")} using (batch_id) group by all order by arrived_at, batch_id"""
    bound = {"signals": [signal.value for signal in signals], "until": until, "limit": limit, "family": family}
    return [
        BatchStats(
            batch_id, Signal(signal), source, arrived_at.astimezone(UTC), received,
            {c["c"]: ColumnStats(c["c"], c["n"], c["nulls"], c["t"], c["s"]) for c in columns},
        )
        for batch_id, signal, source, arrived_at, received, columns in (tx.execute if tx else loop.lake.rows)(sql, bound)
    ]  # fmt: skip


#: SQL for `source_family` of `source_name`.
_FAMILY = "regexp_replace(source_name, '[0-9]+', '#', 'g')"


def source_family(source: str) -> str:
    """A source without its numbers: files that differ in date or count only are one source.

    >>> source_family("orders-2018-08-27.csv")
    'orders-#-#-#.csv'
    """
    return re.sub(r"[0-9]+", "#", source)
