"""Which rows a model learns from: nothing unripe, nothing newer than the comparison window, nothing known later."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.errors import NotReadyError, RefusedError
from loop_core.retrain import training_set
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, DAYS, END, HORIZON, START, insert, parcels, rows

DAY = timedelta(days=1)


def micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def test_the_comparison_window_is_kept_out(shared: Loop) -> None:
    training = training_set(shared, END)
    newest_mature = END - HORIZON * DAY
    assert newest_mature - 29 * DAY < training.end <= newest_mature - 28 * DAY
    assert training.at.max() < micros(training.end)
    assert training.at.min() == micros(training.start)


def test_no_row_is_younger_than_the_label_horizon_though_its_label_is_known(shared: Loop) -> None:
    at = START + 100 * DAY
    training = training_set(shared, at, until=at)
    assert training.at.max() <= micros(at - HORIZON * DAY)
    # Counting what had arrived would have seen mostly the labels that arrive fast.
    frame = rows(3000).filter((pl.col("observed_at") <= at) & (pl.col("predicted_at") > at - HORIZON * DAY))
    assert frame.height > 30
    assert frame["label"].mean() < training.y.mean() / 2


def test_a_label_that_came_later_is_not_known_earlier(fresh: Loop) -> None:
    at = START + 150 * DAY
    before = training_set(fresh, at)
    flipped = pl.DataFrame(
        {
            "prediction_id": [f"p{i:06d}" for i in range(1000)],
            "label": 1.0,
            "observed_at": at + DAY,
            "source": "correction",
        }
    )
    fresh.lake.write(lambda tx: _add(tx, fresh, flipped), actor="test", message="corrections")
    np.testing.assert_array_equal(training_set(fresh, at).y, before.y)
    assert training_set(fresh, at + 2 * DAY).y[:900].min() == 1.0


def _add(tx: object, loop: Loop, frame: pl.DataFrame) -> None:
    tx.register("fresh", frame)  # type: ignore[attr-defined]
    tx.execute(f"insert into {loop.table('outcomes')} by name select * from fresh")  # type: ignore[attr-defined]


def test_a_pinned_snapshot_does_not_see_rows_that_were_added(fresh: Loop) -> None:
    before = training_set(fresh, END)
    insert(fresh, rows(3000, seed=9).with_columns(prediction_id="x" + pl.col("prediction_id")))
    again = training_set(fresh, END, snapshot=before.snapshot)
    np.testing.assert_array_equal(again.x, before.x)
    assert training_set(fresh, END).n_rows > 1.9 * before.n_rows


def test_the_window_of_the_charter_bounds_the_past(workspace: Workspace) -> None:
    loop = parcels(workspace, charter=CHARTER + "window_days = 60\n")
    training = training_set(loop, END)
    assert timedelta(days=59) < training.end - training.start < timedelta(days=60)


def test_rows_are_in_time_order_with_their_cohorts(shared: Loop) -> None:
    training = training_set(shared, END)
    assert (np.diff(training.at) >= 0).all()
    column = training.encoding.names.index("state")
    np.testing.assert_array_equal(training.cohorts["state"], training.x[:, column])


@pytest.mark.parametrize("days", [5, 16])
def test_nothing_or_too_little_has_matured(shared: Loop, days: int) -> None:
    with pytest.raises(NotReadyError, match=r"No label .* has matured|too few to train on"):
        training_set(shared, START + days * DAY)


def test_too_few_rows_says_how_many_are_wanted(shared: Loop) -> None:
    with pytest.raises(NotReadyError, match=r"at least 200 \(retrain\.min_rows\)"):
        training_set(shared, START + 45 * DAY)


def test_an_empty_loop_says_so(loop: Loop) -> None:
    with pytest.raises(NotReadyError, match="no predictions yet"):
        training_set(loop, END)


ALL_THE_SAME = [
    pl.lit(1.0).alias("price"),
    pl.lit(1.0).alias("weight"),
    pl.lit("SP").alias("state"),
    pl.lit(True).alias("express"),
    pl.lit(START).alias("promised_at"),
]
BAD = [
    (pl.lit(0.0).alias("label"), NotReadyError, "have the label 'not late'"),
    (pl.lit(2.0).alias("label"), RefusedError, "A label is 2"),
    (pl.lit(None, dtype=pl.Float64).alias("weight"), RefusedError, "No row has a value for weight"),
    (pl.lit(float("inf")).alias("weight"), RefusedError, "'weight' holds infinite values"),
    (ALL_THE_SAME, RefusedError, "Every feature has one and the same value in all"),
]


@pytest.mark.parametrize(
    ("change", "error", "words"), BAD, ids=["one class", "label 2", "all null", "infinite", "constant"]
)
def test_what_no_model_can_learn_from_is_said_first(
    workspace: Workspace, change: pl.Expr | list[pl.Expr], error: type[Exception], words: str
) -> None:
    loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    insert(loop, rows(1000).with_columns(change))
    with pytest.raises(error, match=words):
        training_set(loop, START + DAYS * DAY)


def test_an_id_that_is_declared_as_a_category_is_refused(workspace: Workspace) -> None:
    loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    insert(loop, rows(120_000).with_columns(state=pl.col("prediction_id")))
    with pytest.raises(RefusedError, match=r"Category 'state' has \d\d,\d{3} distinct values.*at most 20,000"):
        training_set(loop, START + DAYS * DAY)
