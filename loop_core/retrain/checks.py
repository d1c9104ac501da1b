"""What would waste a search is said before any compute is spent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.charter import Charter
from loop_core.errors import NotReadyError, RefusedError
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import polars as pl

#: A category with more distinct values than this is an id, not a group.
MAX_DISTINCT = 20_000


def check_rows(charter: Charter, frame: pl.DataFrame, *, as_of: datetime, start: datetime, end: datetime) -> None:
    """Check the rows of a training set: enough of them, both labels, features a model can read.

    Raises:
        NotReadyError: time or more data will help. RefusedError: the data or charter must change.
    """
    _enough(charter, frame, f"between {start:%Y-%m-%d} and {end:%Y-%m-%d}, as known on {as_of:%Y-%m-%d},")
    _labels(charter, frame)
    _features(charter, frame)


def _enough(charter: Charter, frame: pl.DataFrame, where: str) -> None:
    plan = charter.retrain
    if frame.height < plan.min_rows:
        raise NotReadyError(
            f"{frame.height:,} mature labelled rows {where} are too few to train on",
            f"at least {plan.min_rows:,} (retrain.min_rows), and {plan.comparison_days} days kept for the comparison",
            "ingest more outcomes, wait, or lower retrain.min_rows or retrain.comparison_days",
        )


def _labels(charter: Charter, frame: pl.DataFrame) -> None:
    if charter.loop.task is Task.REGRESSION:
        _numbers(frame)
        return
    known = [float(k) for k in range(len(charter.loop.classes) or 2)]
    values = sorted(frame["label"].unique().to_list())
    if odd := [value for value in values if value not in known]:
        wanted = "0 or 1" if len(known) == 2 else f"a whole number below {len(known)}"
        raise RefusedError(
            f"A label is {odd[0]:g}", wanted, "correct the outcome, and add a rule to the charter's gates"
        )
    if len(values) == 1:
        raise NotReadyError(
            f"All {frame.height:,} mature rows have the label {charter.loop.label_word(values[0])!r}",
            "rows of both labels" if len(known) == 2 else "rows of several classes",
            "check the outcomes, or wait",
        )


def _numbers(frame: pl.DataFrame) -> None:
    label = frame["label"]
    if not label.is_finite().all():
        raise RefusedError(
            "A label is infinite or not a number", "finite numbers", "correct the outcome, and add a rule to the gates"
        )
    if label.n_unique() == 1:
        raise NotReadyError(
            f"All {frame.height:,} mature rows have the label {label[0]:g}",
            "labels that differ",
            "check the outcomes, or wait",
        )


def _features(charter: Charter, frame: pl.DataFrame) -> None:
    empty = [f.name for f in charter.features if frame[f.name].null_count() == frame.height]
    if empty:
        raise RefusedError(
            f"No row has a value for {', '.join(empty)}",
            "at least one value",
            "mend the source, or take it out of [[features]]",
        )
    if charter.features and all(frame[f.name].n_unique() == 1 for f in charter.features):
        raise RefusedError(
            f"Every feature has one and the same value in all {frame.height:,} rows",
            "at least one feature that differs",
            "mend the source, or wait",
        )
    for feature in charter.features:
        column = frame[feature.name]
        if feature.type == "number" and column.is_infinite().any():
            raise RefusedError(
                f"Feature {feature.name!r} holds infinite values", "finite numbers or null", "mend the source"
            )
        if feature.type == "category" and (distinct := column.n_unique()) > MAX_DISTINCT:
            raise RefusedError(
                f"Category {feature.name!r} has {distinct:,} distinct values in {frame.height:,} rows",
                f"at most {MAX_DISTINCT:,}; more is an id",
                "group it at the source, or declare it under [[context]]",
            )
