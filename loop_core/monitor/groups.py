"""Scored rows with what is known of their labels, by window of prediction time and cohort value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.lake import Reading, quoted
from loop_core.monitor.cut import OTHER, Cut
from loop_core.windows import Windows

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Place = tuple[int, str | None]


@dataclass(frozen=True)
class Group:
    """The labelled rows of one cohort value in one span, and how complete they are."""

    scores: Floats
    """(n,) probabilities of label 1 or predicted numbers; (n, n_classes) of several classes."""
    labels: Floats
    """(n,) 0 or 1, the number of the class, or the number that came."""
    entities: npt.NDArray[np.uint64] | None
    """(n,) code of the entity, 0 where unknown; None: no row has one."""
    predictions: int
    """Scored rows, labelled or not."""
    mature: int
    """Of them, those whose label is known or overdue."""
    versions: frozenset[str]
    """Who scored them."""

    @property
    def n(self) -> int:
        return len(self.labels)

    @property
    def model_version(self) -> str | None:
        """Who scored them, joined by ` + `."""
        return " + ".join(sorted(self.versions)) or None

    def without_rows(self) -> Group:
        """Its predictions, with no label told."""
        return Group(self.scores[:0], np.empty(0), None, self.predictions, self.mature, self.versions)

    @classmethod
    def joined(cls, parts: Sequence[Group]) -> Group:
        """Several spans as one."""
        if len(parts) == 1:
            return parts[0]
        filled = [p for p in parts if p.n]
        known = [p.entities for p in filled if p.entities is not None]
        return cls(
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.labels for p in parts]),
            np.concatenate(known) if filled and len(known) == len(filled) else None,
            sum(p.predictions for p in parts),
            sum(p.mature for p in parts),
            frozenset().union(*(p.versions for p in parts)),
        )


_SELECTED = """select ({window})::smallint as w, {cohorts}, model_version as v, {scores}, label, mature, coalesce(observed_at, case when label is not null then due_at end) as told,
      epoch_us(due_at) as due,
      case when entity_id is null then 0::ubigint else hash(entity_id) end as e
    from rows where score is not null and isfinite(score) and predicted_at >= $first and predicted_at < $last
      and ($version is null or model_version = $version)"""


def read_groups(
    reading: Reading, windows: Windows, cut: Cut, numbers: tuple[int, int], version: str | None = None
) -> dict[Place, Group]:
    """(window, cohort value) → its rows, oldest window first, then by value.

    Args:
        reading: what is known.
        windows: of time of prediction.
        cut: how they are split.
        numbers: the oldest and the newest window to read.
        version: only rows that this model version scored; None: whoever did.
    """
    frame = read_rows(reading, windows, (cut,), numbers, version).rename({"c0": "c"})
    return _grouped(bounded(frame, cut), reading.charter.score_columns)


def read_rows(
    reading: Reading, windows: Windows, cuts: Sequence[Cut], numbers: tuple[int, int], version: str | None = None
) -> pl.DataFrame:
    """Scored rows with columns `w` (window), `c0`, `c1`, … (value of each cut), `v` (version), `score` (of several classes one column
    for each, see `scores_of`), `label` (null: unknown), `told` (when it was known), `due` (when none is waited for any longer, µs since 1970), `mature`, `e` (code of the entity, 0: unknown). See `read_groups`."""
    first, last = windows.span(numbers[0])[0], windows.span(numbers[1])[1]
    cohorts = ", ".join(f"{cut.sql} as c{place}" for place, cut in enumerate(cuts))
    scores = ", ".join(map(quoted, reading.charter.score_columns))
    sql = _SELECTED.format(window=windows.sql("predicted_at"), cohorts=cohorts, scores=scores)
    return reading.frame(sql, first=first, last=last, version=version, **windows.parameters())


def scores_of(frame: pl.DataFrame, columns: Sequence[str]) -> Floats:
    """What the model said of rows: (n,), or (n, n_classes) where there are several columns."""
    found = frame[columns[0]] if len(columns) == 1 else frame.select(columns)
    return np.asarray(found.to_numpy(), dtype=np.float64)


def bounded(frame: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Rows with the values beyond the largest `max_values` put together."""
    import polars as pl

    if not cut.cohorts or frame["c"].n_unique() <= cut.max_values:
        return frame
    sizes = frame["c"].value_counts().sort("count", "c", descending=[True, False])
    kept = sizes.head(cut.max_values)["c"].implode()
    return frame.with_columns(pl.when(pl.col("c").is_in(kept)).then(pl.col("c")).otherwise(pl.lit(OTHER)).alias("c"))


def _grouped(frame: pl.DataFrame, columns: Sequence[str]) -> dict[Place, Group]:
    import polars as pl

    known = frame.filter(pl.col("label").is_not_null()).select("w", "c", *columns, "label", "e")
    rows = known.partition_by("w", "c", as_dict=True, include_key=False)
    anybody = bool((frame["e"] != 0).any())
    sizes = frame.group_by("w", "c").agg(
        pl.len().alias("n"), pl.col("mature").sum(), pl.col("v").drop_nulls().unique().alias("versions")
    )
    none = known.clear()
    return {
        (int(w), c): _group(rows.get((w, c), none), columns, anybody, _Size(n, mature, frozenset(versions)))
        for w, c, n, mature, versions in sizes.sort("w", "c", nulls_last=False).iter_rows()
    }


@dataclass(frozen=True)
class _Size:
    predictions: int
    mature: int
    versions: frozenset[str]


def _group(part: pl.DataFrame, columns: Sequence[str], anybody: bool, size: _Size) -> Group:
    entities = part["e"].to_numpy() if anybody and part.height else None
    labels = part["label"].to_numpy()
    return Group(scores_of(part, columns), labels, entities, size.predictions, size.mature, size.versions)
