"""Rows per window, cohort value and bin, counted where the rows are. Only counts leave DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from loop_core.charter import Cohort, Column
from loop_core.lake import Reading, quoted
from loop_core.monitor.profiles.binning import LEVELS, Binning, CategoryBins, Counts, NumberBins
from loop_core.windows import Windows

#: Edges are learned from about this many rows of the reference: more would not move them by a tenth of a bin.
EDGE_ROWS = 100_000

#: (window number, cohort value or None) → (K,) counts.
Table = dict[tuple[int, str | None], Counts]
#: Values of one column: (window number, cohort value or None) → rows per value.
Values = dict[tuple[int, str | None], dict[str | None, int]]


@dataclass(frozen=True)
class Selection:
    """Which rows to count, and how to split them."""

    reading: Reading
    windows: Windows
    start: datetime
    """First instant of the rows."""
    end: datetime
    """Last instant, exclusive."""
    cohort: Cohort | None = None
    where: str = "true"
    """Further SQL condition on predictions."""
    extra: tuple[tuple[str, Any], ...] = ()
    """Values of the `$name`s in `where`."""

    @property
    def source(self) -> str:
        """SQL of the selected predictions, with their window `w_` and cohort value `c_`."""
        value = self.cohort.sql if self.cohort else "null::varchar"
        return (
            f"(select *, {self.windows.sql('predicted_at')} as w_, {value} as c_ from predictions"
            f" where predicted_at >= $first and predicted_at < $last and {self.where})"
        )

    def rows(self, sql: str, **more: Any) -> list[tuple[Any, ...]]:
        """Run a query that names `source`."""
        bound = {"first": self.start, "last": self.end, **self.windows.parameters(), **dict(self.extra), **more}
        return self.reading.rows(sql, **bound)


def number(name: str) -> str:
    """A numeric column with NaN read as null."""
    return f"nullif({quoted(name)}::double, 'nan'::double)"


def learn_edges(selection: Selection, names: Sequence[str]) -> dict[str, NumberBins]:
    """Bins of numeric columns, from the quantiles of the selected rows (an even part of them, by hash of the id)."""
    if not names:
        return {}
    rows = selection.rows(f"select count(*) from {selection.source}")[0][0]
    quantiles = ", ".join(f"quantile_disc({number(name)}, {list(LEVELS)})" for name in names)
    part = f"hash(prediction_id) % {max(1, rows // EDGE_ROWS)} = 0"
    found = selection.rows(f"select {quantiles} from {selection.source} where {part}")[0]
    return {name: NumberBins.learn(values or []) for name, values in zip(names, found, strict=True)}


def count_numbers(selection: Selection, bins: Mapping[str, NumberBins]) -> dict[str, Table]:
    """Counts of numeric columns, one pass."""
    if not bins:
        return {}
    # Edges are numbers of our own, not values from outside: written out, because histogram wants a constant list.
    histograms = ", ".join(f"histogram({number(name)}, {_list(b.edges)})" for name, b in bins.items())
    tables: dict[str, Table] = {name: {} for name in bins}
    for window, value, rows, *found in selection.rows(
        f"select w_, c_, count(*), {histograms} from {selection.source} group by w_, c_"
    ):
        for (name, binning), histogram in zip(bins.items(), found, strict=True):
            tables[name][window, value] = binning.counts(histogram, rows)
    return tables


def count_moments(selection: Selection, names: Sequence[str]) -> dict[str, Table]:
    """Finite rows, their sum and their sum of squares, (3,), one pass. Beyond ±1e150 squares overflow: left out."""
    if not names:
        return {}
    cells = [f"case when abs({number(name)}) < 1e150 then {number(name)} end" for name in names]
    sums = ", ".join(f"count({c}), coalesce(sum({c}), 0), coalesce(sum({c} * {c}), 0)" for c in cells)
    tables: dict[str, Table] = {name: {} for name in names}
    for window, value, *found in selection.rows(f"select w_, c_, {sums} from {selection.source} group by w_, c_"):
        for k, name in enumerate(names):
            tables[name][window, value] = np.array(found[3 * k : 3 * k + 3], dtype=np.float64)
    return tables


def count_values(selection: Selection, names: Sequence[str]) -> dict[str, Values]:
    """Rows per value of category and flag columns, one pass."""
    if not names:
        return {}
    columns = [quoted(name) for name in names]
    sets = ", ".join(f"(w_, c_, {column})" for column in columns)
    sql = f"select w_, c_, grouping_id({', '.join(columns)}), count(*), {', '.join(f'{c}::varchar' for c in columns)} from {selection.source} group by grouping sets ({sets})"
    # Bit k of grouping_id, from the left, is 0 for the column that a row is about.
    full = 2 ** len(names) - 1
    place = {full - 2 ** (len(names) - 1 - k): k for k in range(len(names))}
    tables: dict[str, Values] = {name: {} for name in names}
    for window, value, group, rows, *cells in selection.rows(sql):
        k = place[group]
        tables[names[k]].setdefault((window, value), {})[cells[k]] = rows
    return tables


def learn_categories(tables: Mapping[str, Values]) -> dict[str, CategoryBins]:
    """Bins of category columns from their counted values."""
    learned = {}
    for name, table in tables.items():
        total: dict[str, int] = {}
        for values in table.values():
            for value, rows in values.items():
                if value is not None:
                    total[value] = total.get(value, 0) + rows
        learned[name] = CategoryBins.learn(total)
    return learned


def binned(tables: Mapping[str, Values], bins: Mapping[str, CategoryBins]) -> dict[str, Table]:
    """Values → counts per bin."""
    return {name: {key: bins[name].counts(values) for key, values in table.items()} for name, table in tables.items()}


def count(selection: Selection, bins: Mapping[str, Binning]) -> dict[str, Table]:
    """Counts of every column that has bins."""
    numbers = {name: b for name, b in bins.items() if isinstance(b, NumberBins)}
    categories = {name: b for name, b in bins.items() if isinstance(b, CategoryBins)}
    return count_numbers(selection, numbers) | binned(count_values(selection, list(categories)), categories)


def watched(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    """(numeric, categorical) names. Timestamps and free text are left out: they are new by nature."""
    numeric = [c.name for c in columns if c.type == "number"]
    return numeric, [c.name for c in columns if c.type in ("category", "flag")]


def _list(edges: Sequence[float]) -> str:
    return "[" + ", ".join(f"{edge!r}::double" for edge in edges) + "]::double[]"
