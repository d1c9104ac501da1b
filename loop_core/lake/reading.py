"""What can be read of a loop at one instant: named views, put before any query as CTEs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from loop_core.charter import Charter
from loop_core.lake.connection import Lake
from loop_core.lake.door import DEFAULT_LIMITS, QueryLimits, read_select
from loop_core.lake.tables import EVENT_TIME, quoted
from loop_core.lake.times import happened, representable
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Reading:
    """The loop as it stood at `as_of`. Queries name its views (`predictions`, `outcomes`, `feedback`, …) as tables.

    Nothing that happened later is in any view, so a query written against a reading cannot see the future.
    """

    lake: Lake
    charter: Charter
    as_of: datetime
    """UTC instant; rows that happened at or after it are not visible (outcomes: known at it are)."""
    snapshot: int | None
    """Lake snapshot the reading is pinned to; None: the newest at each query."""
    since: datetime | None
    """UTC instant; earlier predictions, and outcomes known earlier, are left out. None: nothing is."""
    until: datetime | None
    """UTC instant; predictions made at or after it, and outcomes of others than those left, are left out."""
    views: Mapping[str, str]
    """View name → SQL; a view may name those before it."""

    @classmethod
    def at(
        cls,
        lake: Lake,
        charter: Charter,
        as_of: datetime,
        snapshot: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Self:
        """The signals of a loop as of an instant, optionally from an older lake snapshot or without the distant past."""
        pinned = f" at (version => {int(snapshot)})" if snapshot is not None else ""
        views = {}
        for signal in Signal:
            before = "<=" if signal is Signal.OUTCOMES else "<"
            table = f"lake.{quoted(charter.name, signal.value)}{pinned}"
            # Feedback stays whole: what is said today may be about any prediction.
            recent = (
                f" and {EVENT_TIME[signal]} >= $since" if since is not None and signal is not Signal.FEEDBACK else ""
            )
            readable = f"{EVENT_TIME[signal]} {before} $as_of and {happened(EVENT_TIME[signal])}"
            views[signal.value] = f"select *{_readable(charter, signal)} from {table} where {readable}{recent}"
        if until is not None:
            views["predictions"] += " and predicted_at < $until"
            views["outcomes"] += " and prediction_id in (select prediction_id from predictions)"
        for table in ("scores", "batches", "quarantine", "findings"):
            views[table] = f"select * from lake.{quoted(charter.name, table)}{pinned}"
        return cls(
            lake,
            charter,
            as_of.astimezone(UTC),
            snapshot,
            since and since.astimezone(UTC),
            until and until.astimezone(UTC),
            views,
        )

    def with_views(self, **views: str) -> Self:
        """The same reading with more views."""
        return replace(self, views={**self.views, **views})

    def frame(self, sql: str, **parameters: Any) -> pl.DataFrame:
        """Run a query over the views → polars DataFrame. `$name` parameters are bound."""
        return self.lake.frame(self.text(sql), self._bound(parameters))

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query over the views → tuples."""
        return self.lake.rows(self.text(sql), self._bound(parameters))

    def batches(self, sql: str, rows: int = 100_000, **parameters: Any) -> Iterator[pa.RecordBatch]:
        """Run a query over the views → Arrow record batches, streamed."""
        yield from self.lake.batches(self.text(sql), self._bound(parameters), rows)

    def text(self, sql: str) -> str:
        """The full query with its views, `$as_of` still bound by name."""
        return f"with\n{self._prelude()}\n{sql}"

    def sql_text(self, sql: str, **parameters: Any) -> str:
        """The full query with every value written out: what "copy as SQL" hands to a person."""
        return with_literals(self.text(sql), self._bound(parameters))

    def _bound(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        ends = {name: moment for name, moment in (("since", self.since), ("until", self.until)) if moment is not None}
        return {"as_of": self.as_of, **ends, **parameters}

    def _prelude(self) -> str:
        return ",\n".join(f"{name} as ({sql})" for name, sql in self._named().items())

    def _named(self) -> dict[str, str]:
        """The views, and first the ends of the reading, so that queries that use no other view still bind them."""
        ends = "".join(f", ${name}::timestamptz as {name}" for name in ("since", "until") if getattr(self, name))
        return {"reading": f"select $as_of::timestamptz as as_of{ends}", **self.views}


@dataclass(frozen=True)
class PublicReading(Reading):
    """A reading for people's own SQL: each query is one SELECT over the views, checked, bounded in time and memory.

    It sees nothing but the views: no file, no other loop or database, nothing after `as_of`.
    """

    limits: QueryLimits = field(default=DEFAULT_LIMITS)
    """What each query may take."""
    own: frozenset[str] = frozenset()
    """Names of the views that a person added."""

    def with_views(self, **views: str) -> Self:
        """The same reading with more views, each a SELECT over those before it. QueryError where it is another thing."""
        known = set(self._named())
        for name, sql in views.items():
            read_select(sql, known)
            known.add(name)
        return replace(super().with_views(**views), own=self.own | views.keys())

    def with_core_views(self, **views: str) -> Self:
        """The same reading with more views of the core's own."""
        return super().with_views(**views)

    def with_limits(self, seconds: float | None, memory_mb: int | None) -> Self:
        """The same reading with other limits; None: as they are."""
        limits = QueryLimits(seconds or self.limits.seconds, memory_mb or self.limits.memory_mb)
        return replace(self, limits=limits)

    def frame(self, sql: str, **parameters: Any) -> pl.DataFrame:
        """Run a query over the views → polars DataFrame. `$name` parameters are bound. QueryError: see `Door`."""
        return self.lake.door.frame(sql, *self._asked(parameters))

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query over the views → tuples."""
        return self.lake.door.rows(sql, *self._asked(parameters))

    def batches(self, sql: str, rows: int = 100_000, **parameters: Any) -> Iterator[pa.RecordBatch]:
        """Run a query over the views → Arrow record batches, streamed."""
        yield from self.lake.door.batches(sql, *self._asked(parameters), rows)

    def _asked(self, parameters: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any], QueryLimits]:
        given = self._bound(parameters)
        views = {name: with_literals(view, given) for name, view in self._named().items()}
        for name in self.own:
            # Once more, as it is run: a `$name` within a text is written out too, and may end that text.
            read_select(views[name], views.keys())
        return views, given, self.limits


def with_literals(sql: str, values: Mapping[str, Any]) -> str:
    """SQL text with every `$name` written out, in one pass: a value may look like a name."""
    return re.sub(r"\$(\w+)", lambda found: _literal(values[found[1]]) if found[1] in values else found[0], sql)


def _readable(charter: Charter, signal: Signal) -> str:
    """What takes the place of timestamps that no library could hold: lakes of programs without that rule have some."""
    times = [c.name for c in charter.columns if c.type == "timestamp"] if signal is Signal.PREDICTIONS else []
    cells = ", ".join(
        f"case when {representable(quoted(name))} then {quoted(name)} end as {quoted(name)}" for name in times
    )
    return f" replace ({cells})" if cells else ""


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"timestamptz '{value.isoformat()}'"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"
