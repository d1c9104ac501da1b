"""What is odd about training rows is found where it was planted, and not elsewhere."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.retrain import Budget, retrain
from loop_core.retrain.inspection import inspected, told_alone
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.space import DEFAULTS
from loop_core.retrain.suspects import suspect_labels
from loop_core.retrain.training import training_set
from loop_core.vocabulary import State
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, insert, parcels, rows


def checks(loop: Loop) -> dict:
    objective = objective_of(loop, training_set(loop, END), seed=0)
    return {check.code: check for check in inspected(loop, objective, objective.evaluate(DEFAULTS))}


def fed(workspace: Workspace, frame: pl.DataFrame, charter: str = CHARTER) -> Loop:
    loop = workspace.set_charter(charter, actor="ana", reason="first", as_of=START)
    insert(loop, frame)
    return loop


def test_sound_rows_pass(shared: Loop) -> None:
    found = checks(shared)
    assert [found[code].state for code in ("label_source", "label_time", "leak", "repeated", "missing")] == [
        State.OK
    ] * 5
    assert "promised_at" in found["feature_time"].sentence, "a promise lies in the future, and that is said"


def test_overridden_labels_are_taken_and_their_source_is_told(workspace: Workspace) -> None:
    loop = fed(workspace, rows(2000))
    assert checks(loop)["label_source"].sentence == "Every label is as it was observed."
    before = training_set(loop, END).y
    said = f"""insert into {loop.table("outcomes")} by name select prediction_id, 1 - label as label,
        observed_at + interval 1 hour as observed_at, case when prediction_id < 'p000005' then 'correction' else 'annotation' end as source
        from {loop.table("outcomes")} where prediction_id < 'p000012'"""
    loop.lake.write(lambda tx: tx.execute(said), actor="bea", message="second looks")
    assert (training_set(loop, END).y != before).sum() == 12
    assert checks(loop)["label_source"].sentence == "Labels are as observed, but for 7 by annotation, 5 by correction."


def test_a_feature_that_saw_the_label_is_named(workspace: Workspace) -> None:
    frame = rows(2000).with_columns(weight=pl.col("label") * 10 + pl.col("weight") / 100)
    assert "weight" in checks(fed(workspace, frame))["leak"].sentence


def test_labels_known_too_early_are_counted(workspace: Workspace) -> None:
    early = (
        pl.when(pl.int_range(pl.len()) < 7).then(pl.col("predicted_at") - timedelta(days=1)).otherwise("observed_at")
    )
    found = checks(fed(workspace, rows(2000).with_columns(observed_at=early)))["label_time"]
    assert (found.state, found.sentence[:2]) == (State.WATCH, "7 ")


def test_rows_that_repeat_across_the_split_and_new_cohorts_are_said(workspace: Workspace) -> None:
    frame = rows(2000).with_columns(
        price=pl.lit(10.0), weight=pl.lit(5.0), express=pl.lit(True), promised_at=pl.lit(START),
        state=pl.when(pl.int_range(pl.len()) < 1400).then(pl.lit("SP")).otherwise(pl.lit("AM")),
    )  # fmt: skip
    half = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("SP")).otherwise("state")
    found = checks(fed(workspace, frame.with_columns(state=half)))
    assert (found["repeated"].state, found["missing"].state) == (State.WATCH, State.WATCH)
    assert "1 of state" in found["missing"].sentence


def test_flipped_labels_are_found_more_often_than_sound_ones() -> None:
    rng = np.random.default_rng(3)
    chance = rng.beta(0.4, 0.4, 4_000)
    truth = (rng.random(4_000) < chance).astype(float)
    flipped = rng.random(4_000) < 0.03
    found = suspect_labels(np.where(flipped, 1 - truth, truth), chance)
    first = found.places[: flipped.sum()]
    assert flipped[first].mean() > 5 * 0.03
    assert (np.diff(found.doubt) <= 0).all()


def test_several_classes_and_shapes_without_a_word() -> None:
    scores = np.array([[0.9, 0.05, 0.05]] * 20 + [[0.05, 0.9, 0.05]] * 20 + [[0.9, 0.05, 0.05]])
    labels = np.array([0.0] * 20 + [1.0] * 21)
    found = suspect_labels(labels, scores)
    assert (found.places.tolist(), found.suggested.tolist()) == ([40], [0])
    assert suspect_labels(np.zeros(0), np.zeros(0)).places.size == 0
    assert suspect_labels(np.zeros(5), np.full(5, 0.4)).places.size == 0


def test_suspects_are_named_by_their_ids_and_kept_with_the_model(workspace: Workspace) -> None:
    sure = (pl.col("weight") > 5).cast(pl.Float64)
    wrong = pl.col("prediction_id").is_in(["p001500", "p001501", "p001400"])
    frame = rows(2000).with_columns(
        label=pl.when(wrong).then(1 - sure).otherwise(sure), weight=pl.col("weight") + 2 * (sure - 0.5)
    )
    loop = fed(workspace, frame)
    result = retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(2, 120))
    suspects = next(check for check in result.checks if check.code == "suspects")
    assert set(suspects.rows) & {"p001500", "p001501", "p001400"}
    entry = loop.ledger.entries(loop=loop.name, kind="retrain.finished")[-1]
    assert any(check["code"] == "suspects" and check["rows"] for check in entry.payload["checks"])


@pytest.mark.parametrize("n", [600, 3000])
def test_features_of_noise_tell_nothing(tmp_path, n: int) -> None:
    with Workspace.create(tmp_path / "w") as opened:
        training = training_set(parcels(opened, n=n), END)
        told = {name: told_alone(training, k) for k, name in enumerate(training.encoding.names)}
    assert all(0.4 < value < 0.9 for value in told.values())
