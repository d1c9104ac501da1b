"""What windows of rows come to, cohort value by cohort value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.groups import Place, scores_of
from loop_core.monitor.many import measure_many
from loop_core.monitor.measure import Measured

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Summary:
    """The scored rows of one cohort value in one span, as known at an instant."""

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


class ScoredRows:
    """Rows as `read_rows` gives them, to be summed up in several ways; `columns` hold what the model said."""

    def __init__(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        self.frame, self.columns = frame, tuple(columns)

    @cached_property
    def labelled(self) -> pl.DataFrame:
        """Those with a label, by rising score: sorted once for all ways to group them."""
        known = self.frame.filter(self.frame["label"].is_not_null())
        return known.sort("score") if self.columns == ("score",) else known

    def last_news(self, length: int) -> dict[int, datetime]:
        """Run of `length` windows, by its newest → when the newest statement about its rows was known; of single
        windows also, if that was later, when the last of its rows without label was overdue."""
        import polars as pl

        overdue = pl.when(pl.col("label").is_null() & pl.col("mature")).then(
            pl.col("due").cast(pl.Datetime("us", "UTC"))
        )
        news = [pl.col("told").max(), *([overdue.max().alias("due")] if length == 1 else [])]
        found = _shifted(self.frame.group_by("w").agg(*news), length).group_by("w").agg(pl.all().max())
        rows = found.select("w", pl.max_horizontal(pl.all().exclude("w"))).iter_rows()
        return {w: moment for w, moment in rows if moment is not None}

    def summaries(
        self, column: str, runs: Runs, metrics: Sequence[str], asked: float, always: Collection[int] = ()
    ) -> dict[Place, Summary]:
        """(window, cohort value) → what its rows come to.

        Args:
            column: which holds the cohort value.
            runs: which windows.
            metrics: what is measured.
            asked: share of mature rows from which on a group is measured.
            always: windows whose groups are measured anyway.
        """
        import polars as pl

        ripe = (pl.col("mature") >= asked * pl.col("n")) | pl.col("w").is_in(list(always))
        sizes = _sizes(self.frame, column, runs).with_columns(ripe=ripe)
        measured = self._measured(sizes.filter("ripe").select("w", "c"), column, runs.length, metrics)
        return {
            (w, c): Summary(n, mature, labelled, frozenset(versions), measured.get((w, c), {}))
            for w, c, n, mature, labelled, versions, _ in sizes.iter_rows()
        }

    def waiting(self, column: str) -> dict[Place, list[int]]:
        """(window, cohort value) → when each of its rows without label that is not overdue will be, µs since 1970."""
        import polars as pl

        rows = self.frame.filter(~pl.col("mature"))
        found = rows.group_by("w", pl.col(column).alias("c")).agg(pl.col("due").sort())
        return {(w, c): due for w, c, due in found.iter_rows()}

    def _measured(
        self, places: pl.DataFrame, column: str, length: int, metrics: Sequence[str]
    ) -> dict[Place, dict[str, Measured | None]]:
        import polars as pl

        if not places.height:
            return {}
        rows = self.labelled.select("w", pl.col(column).alias("c"), *self.columns, "label", "e")
        numbered = places.with_row_index("g")
        # Row by row into its group; into several, where runs of windows overlap.
        shifted = [numbered.with_columns(pl.col("w") - back) for back in range(length)]
        together = rows.join(pl.concat(shifted), on=["w", "c"], nulls_equal=True, maintain_order="left")
        entities = together["e"].to_numpy() if (together["e"] != 0).any() else None
        labelled = LabelledRows(scores_of(together, self.columns), together["label"].to_numpy(), entities)
        grouping = Grouping(labelled, together["g"].to_numpy().astype(np.int64), places.height)
        return dict(zip(places.iter_rows(), measure_many(metrics, grouping), strict=True))


@dataclass(frozen=True)
class Runs:
    """Windows, or runs of several together, each named by its newest window."""

    length: int
    """Windows in each; 1: windows by themselves."""
    numbers: Collection[int]


def _sizes(frame: pl.DataFrame, column: str, runs: Runs) -> pl.DataFrame:
    """Columns `w`, `c`, `n`, `mature`, `label` (how many), `v` (versions)."""
    import polars as pl

    counts = pl.len().alias("n"), pl.col("mature").sum(), pl.col("label").count()
    sizes = frame.group_by("w", pl.col(column).alias("c")).agg(*counts, pl.col("v").drop_nulls().unique())
    if runs.length > 1:
        versions = pl.col("v").explode(empty_as_null=True).drop_nulls().unique()
        sums = pl.col("n", "mature", "label").sum()
        sizes = _shifted(sizes, runs.length).group_by("w", "c").agg(sums, versions)
    wanted = pl.Series(sorted(runs.numbers), dtype=sizes.schema["w"]).implode()
    return sizes.filter(pl.col("w").is_in(wanted)).sort("w", "c", nulls_last=False)


def _shifted(frame: pl.DataFrame, length: int) -> pl.DataFrame:
    """Each row once for every run of `length` windows that its window is in."""
    import polars as pl

    return pl.concat([frame.with_columns(pl.col("w") + ahead) for ahead in range(length)])
