"""Which rows a model may learn from, pinned to a lake snapshot.

Only rows whose label horizon has passed count, even where a younger row's label is already known: labels arrive
unevenly ("on time" at delivery, "late" only at the promised date), so the labels known early are a biased sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loop_core.errors import NotReadyError
from loop_core.labels import read_at
from loop_core.lake import Reading, quoted
from loop_core.models import Encoding
from loop_core.retrain.checks import check_rows
from loop_core.retrain.weighting import weights_of
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl


@dataclass(frozen=True)
class TrainingSet:
    """The rows of one training, oldest first; ties in time are ordered by prediction id."""

    x: npt.NDArray[np.float64]
    """(n_rows, n_features) encoded features; NaN is missing."""
    y: npt.NDArray[np.float64]
    """(n_rows,) labels: 0 or 1, the number of the class, or a number; as known at the reading's `as_of`."""
    at: npt.NDArray[np.int64]
    """(n_rows,) `predicted_at` in microseconds since 1970, ascending."""
    cohorts: Mapping[str, npt.NDArray[np.int64]]
    """Declared cohort → (n_rows,) code of its value."""
    encoding: Encoding
    as_of: datetime
    """UTC instant; no label known later was used."""
    snapshot: int
    """Lake snapshot the rows were read from."""
    start: datetime
    """UTC instant of the oldest row."""
    end: datetime
    """UTC instant just after the newest row: nothing predicted at or after it was seen."""
    notes: tuple[str, ...] = ()
    weights: npt.NDArray[np.float64] | None = None
    """(n_rows,) how much each counts, with mean 1; None: all the same."""

    @property
    def n_rows(self) -> int:
        return len(self.y)

    def oldest(self, stop: int) -> TrainingSet:
        """Rows 0 … stop − 1, weighted as a training of their own: with mean 1."""
        # They lack the newest rows, which weigh most. LightGBM measures regularisation against the sum of weights: without
        # the same mean, parameters would be chosen for a stronger one than that of the refit.
        weights = None if self.weights is None else self.weights[:stop] / self.weights[:stop].mean()
        cohorts = {name: codes[:stop] for name, codes in self.cohorts.items()}
        return replace(self, x=self.x[:stop], y=self.y[:stop], at=self.at[:stop], cohorts=cohorts, weights=weights)

    def noting(self, *notes: str) -> TrainingSet:
        """The same rows with further notes for the manifest."""
        return replace(self, notes=(*self.notes, *notes))

    def noted(self, notes: tuple[str, ...]) -> TrainingSet:
        """The same rows with these notes."""
        return replace(self, notes=notes)


def training_set(
    loop: Loop,
    as_of: datetime,
    *,
    snapshot: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TrainingSet:
    """The rows to train on at an instant: label known, label horizon passed, inside the charter's `window_days`.

    Args:
        loop: the loop.
        as_of: UTC instant; no label known later is used.
        snapshot: lake snapshot to read; None: the newest, which is then pinned.
        since: take rows predicted at or after this; None: the charter's `window_days` before the end.
        until: take rows predicted before this (a first model). None: everything but the newest
            `retrain.comparison_days` of mature rows, which stay unseen for the comparison.

    Raises:
        NotReadyError: nothing matured, too few rows, one class only.
        RefusedError: a feature is text, all null, or infinite; a label is neither 0 nor 1.
    """
    pinned = loop.lake.snapshot() if snapshot is None else snapshot
    reading = read_at(loop, as_of, pinned)
    end = until or _newest_mature(loop, reading) - timedelta(days=loop.charter.retrain.comparison_days)
    start = since or end - timedelta(days=loop.charter.retrain.window_days)
    frame = reading.frame(_rows_sql(loop), start=start, end=end)
    check_rows(loop.charter, frame, as_of=as_of, start=start, end=end)
    return _build(loop, frame, as_of, pinned)


def _newest_mature(loop: Loop, reading: Reading) -> datetime:
    span = loop.span()
    given = {"end": span[1] if span else reading.as_of}
    mature = "label is not null and due_at <= $as_of and predicted_at < $end"
    newest, first_due = reading.rows(f"select max(predicted_at) filter ({mature}), min(due_at) from rows", **given)[0]
    if newest is None:
        due = (
            f"the first label horizon passes on {first_due:%Y-%m-%d}"
            if first_due
            else "the loop has no predictions yet"
        )
        raise NotReadyError(
            f"No label of {loop.name} has matured by {reading.as_of:%Y-%m-%d}; {due}",
            f"labelled predictions at least {loop.charter.labels.horizon_days:g} days old",
            "ingest outcomes, or wait",
        )
    return newest  # type: ignore[no-any-return]


def _rows_sql(loop: Loop) -> str:
    features = "".join(f", {quoted(feature.name)}" for feature in loop.charter.features)
    cohorts = "".join(f", {quoted(f'cohort_{cohort.name}')}" for cohort in loop.charter.cohorts)
    return f"""select predicted_at, label{features}{cohorts} from rows
        where label is not null and due_at <= $as_of and predicted_at >= $start and predicted_at < $end
        order by predicted_at, prediction_id"""


def _build(loop: Loop, frame: pl.DataFrame, as_of: datetime, snapshot: int) -> TrainingSet:
    import numpy as np

    encoding = Encoding.fit(loop.charter.features, frame)
    cohorts = {}
    for cohort in loop.charter.cohorts:
        _, codes = np.unique(frame[f"cohort_{cohort.name}"].to_numpy().astype(str), return_inverse=True)
        cohorts[cohort.name] = codes.astype(np.int64)
    times = frame["predicted_at"]
    return TrainingSet(
        x=encoding.transform(frame),
        y=frame["label"].to_numpy().astype(np.float64),
        at=times.dt.epoch("us").to_numpy().astype(np.int64),
        cohorts=cohorts,
        encoding=encoding,
        as_of=as_of,
        snapshot=snapshot,
        start=times[0],
        end=times[-1] + timedelta(microseconds=1),
        weights=weights_of(loop.charter, frame),
    )
