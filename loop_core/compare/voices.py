"""Cohorts that nobody has to declare: where a label came from, and what the person behind a row said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.feedback.trend import LOW
from loop_core.lake import Reading

if TYPE_CHECKING:
    import polars as pl

LABEL_SOURCE, FEEDBACK = "label_source", "feedback"
#: Rows that a second value must have for such a cohort to be worth a row.
LEAST = 20

# Only what differs from the usual is read: few labels are corrected, and few people say something.
_SOURCES = """
    select hash(prediction_id) as id, arg_max(source, observed_at) as said from outcomes
    where source is not null and source <> 'observed' group by prediction_id"""
_VOICES = """
    select hash(prediction_id) as id,
      case when min(rating) <= $low or bool_or(kind in ('complaint', 'ticket')) then 'complained'
           when min(rating) is not null then 'rated well' else 'commented' end as said
    from feedback where prediction_id is not null and given_at >= $first group by prediction_id"""


def spoken_cohorts(
    reading: Reading, ids: npt.NDArray[np.uint64], first: datetime, declared: frozenset[str]
) -> dict[str, pl.Series]:
    """Name → (n,) text, for those of the two that tell rows apart here.

    Args:
        reading: of the loop at one instant.
        ids: (n,) hash of each row's prediction id.
        first: the first instant that one of them was predicted at.
        declared: cohorts of the charter, whose names they must not take.
    """
    found = {}
    if LABEL_SOURCE not in declared:
        found[LABEL_SOURCE] = _named(reading.frame(_SOURCES), ids, "observed")
    if FEEDBACK not in declared:
        found[FEEDBACK] = _named(reading.frame(_VOICES, low=LOW, first=first), ids, "silent")
    return {
        name: said
        for name, said in found.items()
        if len(said) - int(said.value_counts()["count"].to_numpy().max()) >= LEAST
    }


def _named(said: pl.DataFrame, ids: npt.NDArray[np.uint64], usual: str) -> pl.Series:
    import polars as pl

    rows = pl.DataFrame({"id": ids}).join(said.cast({"id": pl.UInt64}), on="id", how="left", maintain_order="left")
    return rows["said"].fill_null(usual)
