"""`loop completeness | calibration | boundary` and `loop feedback` as typed."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import RefusedError, UnknownNameError
from loop_core.frames import to_frame
from loop_core.monitor import calibration
from loop_core.workspace import Loop
from tests.cli.test_cli import run
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


@pytest.fixture
def labelled(loop: Loop) -> Loop:
    rows = predictions()
    said = rows.head(100).select(
        feedback_id="prediction_id", prediction_id="prediction_id", given_at="predicted_at",
        kind=pl.lit("rating"), rating=pl.when(pl.col("state") == "BA").then(1.0).otherwise(5.0),
    )  # fmt: skip
    return fill(loop, rows, outcomes(rows), said)


def asked(loop: Loop, *arguments: str, as_of: str = END.isoformat()) -> str:
    return run(*arguments, "--as-of", as_of, workspace=loop.workspace.path)


def found(loop: Loop, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(asked(loop, *arguments, "--json"))
    return rows


def test_completeness_is_nothing_before_labels_come_and_everything_after(labelled: Loop) -> None:
    shares = {point["age_days"]: point["share"] for point in found(labelled, "completeness", "orders")}
    assert (shares[9], shares[11]) == (0.0, 1.0)
    assert {point["cohort_value"] for point in found(labelled, "completeness", "orders", "--cohort", "state")} >= {"SP"}
    assert "age in days" in asked(labelled, "completeness", "orders")


def test_calibration_says_how_far_scores_are_chances(labelled: Loop) -> None:
    (curve,) = found(labelled, "calibration", "orders")
    assert float(curve["ece_ci_low"]) < float(curve["ece"]) < float(curve["ece_ci_high"])  # type: ignore[arg-type]
    assert {curve["cohort_value"] for curve in found(labelled, "calibration", "orders", "--cohort", "state")} >= {"SP", "RJ"}  # fmt: skip
    assert len(found(labelled, "calibration", "orders", "--over-time")) > 1
    said = asked(labelled, "calibration", "orders")
    for words in ("ECE", "slope", "Brier"):
        assert words in said
    bins = to_frame(calibration(labelled, END)).select("bins").explode("bins").unnest("bins")
    assert bins["score"].is_sorted()


def test_boundary_counts_the_scores_near_the_threshold_that_was_asked_for(labelled: Loop) -> None:
    (half,), (tenth,) = (found(labelled, "boundary", "orders", *more) for more in ([], ["--threshold", "0.1"]))
    assert 0 < float(half["near_share"]) < float(tenth["near_share"])  # type: ignore[arg-type]
    assert "wrong there" in asked(labelled, "boundary", "orders")


def test_without_rows_each_says_so(loop: Loop) -> None:
    assert "No predictions yet" in asked(loop, "completeness", "orders")
    assert "No scored windows yet" in asked(loop, "calibration", "orders")
    assert "No window is mature yet" in asked(loop, "boundary", "orders")


@pytest.mark.parametrize("command", ["completeness", "calibration", "boundary"])
def test_an_unknown_cohort_is_named(labelled: Loop, command: str) -> None:
    with pytest.raises(UnknownNameError, match="moon"):
        asked(labelled, command, "orders", "--cohort", "moon")


def test_feedback_of_one_group(labelled: Loop) -> None:
    page = json.loads(asked(labelled, "feedback", "orders", "--cohort", "state=BA", "--limit", "200", "--json"))
    assert page["total"] == len(page["items"]) > 0
    assert {item["rating"] for item in page["items"]} == {1.0}
    with pytest.raises(RefusedError, match="add the value"):
        asked(labelled, "feedback", "orders", "--cohort", "state")
