"""The rows of a span of the past, and what was known of their labels at each instant of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: Of more predictions, so many are judged: an even sample by the hash of their ids.
MOST_ROWS = 1_000_000
_PARTS = 1_000_000
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_SAMPLED = f"($keep >= {_PARTS} or md5_number_lower(prediction_id) % {_PARTS} < $keep)"
_ORDER = "order by predicted_at, prediction_id"


@dataclass(frozen=True)
class Known:
    """What was known of the rows' labels at an instant, in the order of the rows; younger rows were not there yet."""

    labels: Floats
    """(n,) NaN where unknown."""
    mature: Flags
    """(n,) label known or overdue."""


@dataclass(frozen=True)
class Past:
    """Rows of a span, oldest first."""

    loop: Loop
    snapshot: int
    start: datetime
    end: datetime
    frame: pl.DataFrame
    """(n, n_features) as models read them."""
    at: npt.NDArray[np.int64]
    """(n,) `predicted_at` in microseconds since 1970, ascending."""
    predictions: int
    """How many there were; more than rows where they are a sample."""
    keep: int
    """Of `_PARTS` parts of the hashes, how many are in the sample."""

    @classmethod
    def of(cls, loop: Loop, snapshot: int, start: datetime, end: datetime, most: int = MOST_ROWS) -> Past:
        """Every prediction made in [start, end), or an even sample of at most about `most`."""
        reading = read_at(loop, end, snapshot, since=start)
        count: int = reading.rows("select count(*) from predictions")[0][0]
        keep = min(_PARTS, math.ceil(_PARTS * most / max(count, 1)))
        features = ", ".join(quoted(name) for name in loop.charter.feature_names)
        frame = reading.frame(f"select predicted_at, {features} from predictions where {_SAMPLED} {_ORDER}", keep=keep)
        at = frame["predicted_at"].dt.epoch("us").to_numpy().astype(np.int64)
        return cls(loop, snapshot, start, end, frame.drop("predicted_at"), at, count, keep)

    def known(self, as_of: datetime) -> Known:
        """What was known at an instant of the span, or after it."""
        reading = read_at(self.loop, as_of, self.snapshot, since=self.start)
        sql = f"select label, mature from rows where predicted_at < $end and {_SAMPLED} {_ORDER}"
        frame = reading.frame(sql, end=self.end, keep=self.keep)
        return Known(_floats(frame["label"]), frame["mature"].to_numpy().astype(bool))

    def settled(self, as_of: datetime) -> Known:
        """As `known`, but of rows whose label horizon has passed: labels that come early are no fair sample."""
        known = self.known(as_of)
        horizon = timedelta(days=self.loop.charter.labels.horizon_days)
        over = self.at[: len(known.labels)] <= micros(as_of - horizon)
        return Known(np.where(over, known.labels, np.nan), known.mature & over)

    def place(self, moment: datetime) -> int:
        """How many rows were predicted before an instant."""
        return int(self.at.searchsorted(micros(moment)))


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return int((moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)) / timedelta(microseconds=1))


def _floats(column: pl.Series) -> Floats:
    import polars as pl

    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
