"""Columns cut into cells, and the conditions over them that may describe a slice: as codes, as words and as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Column
from loop_core.lake import quoted

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]

#: Where numbers are cut: in tenths, and once more in each tail, so that one row in twenty can be a slice of its own.
QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
#: The most frequent values of a category that are kept apart; the others are pooled.
MAX_VALUES = 60
#: Types of columns that can be cut. Times and free text are not: what comes later is never in an old span of time.
SEARCHED = ("number", "category", "flag")


@dataclass(frozen=True)
class Condition:
    """One condition on one column."""

    text: str
    """In words, e.g. `price above 80`."""
    sql: str
    """The same as a boolean SQL expression; null and false alike mean no."""
    cells: frozenset[int]
    """The cells of its column that it holds."""


@dataclass(frozen=True)
class Cut:
    """One column, cut."""

    column: str
    codes: Codes
    """(n,) cell of each row."""
    cells: int
    """How many there are."""
    conditions: tuple[Condition, ...]

    @property
    def members(self) -> Bools:
        """(n_conditions, n_cells): which condition holds which cells."""
        found = np.zeros((len(self.conditions), self.cells), dtype=np.bool_)
        for k, condition in enumerate(self.conditions):
            found[k, list(condition.cells)] = True
        return found


def cut_columns(columns: Sequence[Column], frame: pl.DataFrame, search: Bools, least: int) -> list[Cut]:
    """Every column that can be told apart by.

    Numbers are cut at quantiles, and a condition is one bin, everything below a cut or everything above; categories by
    value, those of fewer than `least` rows pooled; null is a value. Where cuts lie is read off the search half only.

    Args:
        columns: declared columns; types that cannot be cut are left out.
        frame: (n, …) their values.
        search: (n,) rows of the search half.
        least: rows that a slice must have in each half.
    """
    found = []
    for column in columns:
        if column.type not in SEARCHED:
            continue
        values = frame[column.name]
        cut = (
            _numbers(column.name, values, search) if column.type == "number" else _values(column, values, search, least)
        )
        if len(cut.conditions) > 1:
            found.append(cut)
    return found


# -- numbers ----------------------------------------------------------------------------------------------------


def _numbers(name: str, values: pl.Series, search: Bools) -> Cut:
    null = values.is_null().to_numpy()
    numbers = values.cast(float).to_numpy()
    edges = _edges(numbers[search & ~null])
    # NaN counts as the largest number here, as in DuckDB.
    codes = np.searchsorted(edges, numbers, side="left").astype(np.int16)
    bins = len(edges) + 1
    codes[null] = bins
    conditions = list(_ranges(name, edges, numbers, codes)) if len(edges) else []
    if null.any():
        conditions.append(Condition(f"{_words(name)} is missing", f"{quoted(name)} is null", frozenset([bins])))
    return Cut(name, codes, bins + 1, tuple(conditions))


def _edges(numbers: Floats) -> Floats:
    """Cuts between bins, each bin (low, high]: the values themselves where there are few, else rounded quantiles."""
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return np.empty(0)
    distinct = np.unique(numbers)
    if len(distinct) <= len(QUANTILES) + 1:
        return np.asarray(distinct[:-1])
    found = np.unique(np.quantile(numbers, QUANTILES, method="inverted_cdf"))
    return _rounded(found[found < distinct[-1]])


def _rounded(edges: Floats) -> Floats:
    """The edges with as few digits as leave each within a tenth of the way to its neighbours.

    >>> _rounded(np.array([10.0371, 19.8913, 48.1234])).tolist()
    [10.0, 20.0, 50.0]
    """
    if len(edges) < 2:
        return edges
    gaps = np.diff(edges)
    room = 0.1 * np.minimum(np.append(gaps, gaps[-1]), np.append(gaps[0], gaps))
    found = edges.copy()
    for digits in range(12, -13, -1):
        shorter = np.round(edges, digits)
        found = np.where(np.abs(shorter - edges) <= room, shorter, found)
    return np.unique(found)


def _ranges(name: str, edges: Floats, numbers: Floats, codes: Codes) -> Iterator[Condition]:
    """One condition per bin, then everything up to each cut, then everything above it."""
    bins, column, word = len(edges) + 1, quoted(name), _words(name)
    ends = [(None if k == 0 else edges[k - 1], None if k == bins - 1 else edges[k]) for k in range(bins)]
    for k, (low, high) in enumerate(ends):
        inside = numbers[codes == k]
        if len(inside) and inside.min() == inside.max():
            yield Condition(f"{word} is {_number(inside[0])}", f"{column} = {_number(inside[0])}", frozenset([k]))
        else:
            yield Condition(_between(word, low, high), _sql_between(column, low, high), frozenset([k]))
    for k in range(2, bins):
        low_cells, high_cells, edge = frozenset(range(k)), frozenset(range(k, bins)), edges[k - 1]
        yield Condition(_between(word, None, edge), _sql_between(column, None, edge), low_cells)
        if len(high_cells) > 1:
            yield Condition(_between(word, edge, None), _sql_between(column, edge, None), high_cells)
    if bins > 2:
        yield Condition(_between(word, edges[0], None), _sql_between(column, edges[0], None), frozenset(range(1, bins)))


def _between(word: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{word} at most {_number(high)}" if low is None else f"{word} above {_number(low)}"
    return f"{word} above {_number(low)}, at most {_number(high)}"


def _sql_between(column: str, low: float | None, high: float | None) -> str:
    parts = [] if low is None else [f"{column} > {_number(low)}"]
    parts += [] if high is None else [f"{column} <= {_number(high)}"]
    return " and ".join(parts)


def _number(value: float | None) -> str:
    """A number so that reading it back gives the same one."""
    text = repr(float(value or 0.0))
    return text.removesuffix(".0")


# -- values -----------------------------------------------------------------------------------------------------


def _values(column: Column, values: pl.Series, search: Bools, least: int) -> Cut:
    import polars as pl

    counted = values.filter(pl.Series(search)).drop_nulls().value_counts(name="rows").sort(
        ["rows", values.name], descending=[True, False]
    )  # fmt: skip
    kept = counted.filter(pl.col("rows") >= least).head(MAX_VALUES)[values.name].to_list()
    pooled, null = len(kept), len(kept) + 1
    codes = values.replace_strict(kept, list(range(pooled)), default=pooled, return_dtype=pl.Int16)
    codes = pl.select(pl.when(values.is_null()).then(null).otherwise(codes).cast(pl.Int16)).to_series()
    conditions = [_is(column, value, frozenset([k])) for k, value in enumerate(kept)]
    if kept and (codes == pooled).any():
        conditions.append(_none_of(column.name, kept, frozenset([pooled])))
    if values.null_count():
        conditions.append(
            Condition(f"{_words(column.name)} is missing", f"{quoted(column.name)} is null", frozenset([null]))
        )
    return Cut(column.name, codes.to_numpy(), null + 1, tuple(conditions))


def _is(column: Column, value: object, cells: frozenset[int]) -> Condition:
    if column.type == "flag":
        return Condition(
            f"{_words(column.name)} is {'yes' if value else 'no'}",
            quoted(column.name) if value else f"not {quoted(column.name)}",
            cells,
        )
    return Condition(f"{_words(column.name)} is {value}", f"{quoted(column.name)} = {_text(value)}", cells)


def _none_of(name: str, values: Sequence[object], cells: frozenset[int]) -> Condition:
    frequent = ", ".join(_text(value) for value in values)
    said = (
        f"{_words(name)} is none of the {len(values)} frequent ones"
        if len(values) > 1
        else f"{_words(name)} is not {values[0]}"
    )
    return Condition(said, f"{quoted(name)} not in ({frequent})", cells)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _words(name: str) -> str:
    return name.replace("_", " ")
