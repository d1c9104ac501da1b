"""What windows of rows come to, cohort value by cohort value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.groups import Place
from loop_core.monitor.many import measure_many
from loop_core.monitor.measure import Measured

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Summary:
    """The scored rows of one cohort value in one span."""

    predictions: int
    """Scored rows, labelled or not."""
    mature: int
    """Of them, those whose label is known or overdue."""
    n: int
    """Of them, those with a label."""
    versions: frozenset[str]
    """Who scored them."""
    measured: Mapping[str, Measured | None]
    """Metric → value, None: not to be told from these rows. Empty while too few rows are mature."""

    @property
    def mature_share(self) -> float:
        return self.mature / self.predictions if self.predictions else 0.0

    @property
    def model_version(self) -> str | None:
        """Who scored them, joined by ` + `."""
        return " + ".join(sorted(self.versions)) or None


def rolled(frame: pl.DataFrame, length: int, wanted: Collection[int]) -> pl.DataFrame:
    """Rows of every wanted run of `length` windows, each run placed at its newest window; rows repeat in every run."""
    import polars as pl

    runs = [frame.with_columns(pl.col("w") + ahead) if ahead else frame for ahead in range(length)]
    numbers = pl.Series(sorted(wanted), dtype=frame.schema["w"]).implode()
    return pl.concat([run.filter(pl.col("w").is_in(numbers)) for run in runs])


def summarise(frame: pl.DataFrame, metrics: Sequence[str], asked: float) -> dict[Place, Summary]:
    """(window, cohort value) → what its rows come to, oldest window first, then by value.

    Args:
        frame: rows as `read_rows` gives them, with the cohort value in `c`.
        metrics: what is measured.
        asked: share of mature rows from which on a group is measured.
    """
    import polars as pl

    sizes = (
        frame.group_by("w", "c")
        .agg(pl.len().alias("n"), pl.col("mature").sum(), pl.col("label").count(), pl.col("v").drop_nulls().unique())
        .sort("w", "c", nulls_last=False)
        .with_columns(ripe=pl.col("mature") >= asked * pl.col("n"))
    )
    measured = _measured(frame, sizes.filter("ripe").select("w", "c"), metrics)
    return {
        (w, c): Summary(n, mature, labelled, frozenset(versions), measured.get((w, c), {}))
        for w, c, n, mature, labelled, versions, _ in sizes.iter_rows()
    }


def _measured(
    frame: pl.DataFrame, places: pl.DataFrame, metrics: Sequence[str]
) -> dict[Place, dict[str, Measured | None]]:
    import polars as pl

    known = frame.filter(pl.col("label").is_not_null()).select("w", "c", "score", "label", "e")
    mine = known.join(places.with_row_index("g"), on=["w", "c"], nulls_equal=True)
    entities = mine["e"].to_numpy() if (mine["e"] != 0).any() else None
    rows = LabelledRows(mine["score"].to_numpy(), mine["label"].to_numpy(), entities)
    grouping = Grouping(rows, mine["g"].to_numpy().astype(np.int64), places.height)
    return dict(zip(places.iter_rows(), measure_many(metrics, grouping), strict=True))
