"""Which rows each value of a declared cohort holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Cohort

if TYPE_CHECKING:
    import polars as pl

OTHER = "(other)"


def groups(cohort: Cohort, values: pl.Series) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """(value, places of its rows), the largest first; beyond `max_values` the rest is one group `(other)`.

    Args:
        cohort: its `max_values` bounds the groups.
        values: (n,) text, one value a row.
    """
    import polars as pl

    frame = pl.DataFrame({"value": values, "row": pl.int_range(len(values), eager=True)})
    found = frame.group_by("value").agg(pl.col("row")).sort(pl.col("row").list.len(), "value", descending=[True, False])
    kept = found.head(cohort.max_values)
    for value, rows in kept.iter_rows():
        yield value, np.asarray(rows, dtype=np.int64)
    rest = found.slice(cohort.max_values)
    if rest.height:
        yield OTHER, rest["row"].explode().sort().to_numpy()
