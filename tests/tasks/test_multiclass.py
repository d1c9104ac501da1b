"""A loop of three classes from end to end, on the credit-card rows that come with nannyml."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.compare import compare
from loop_core.compare.export import scorecard_html
from loop_core.compare.flips import flips
from loop_core.errors import CharterError, RefusedError, SourceError
from loop_core.feedback import feedback_items
from loop_core.gates import ingest
from loop_core.gates.scores import log_scores
from loop_core.labels import known_at
from loop_core.monitor import (
    calibration,
    decision_boundary,
    drift_scores,
    estimated_performance,
    monitor,
    performance,
    service_health,
)
from loop_core.monitor.report import evidently_report
from loop_core.replay import first_champion
from loop_core.retrain import Budget, retrain
from loop_core.signals import read_source
from loop_core.vocabulary import Signal, State, Verdict
from loop_core.workspace import Loop, Workspace

CLASSES = ("prepaid_card", "highstreet_card", "upmarket_card")
CHARTER = """
[loop]
name = "cards"
title = "Credit cards"
purpose = "Which card will a customer take?"
task = "multiclass"
classes = ["prepaid_card", "highstreet_card", "upmarket_card"]
timezone = "UTC"
clock = "data"
[roles]
owner = "ana"
[labels]
horizon_days = 4
[[features]]
name = "acq_channel"
type = "category"
[[features]]
name = "app_behavioral_score"
type = "number"
[[features]]
name = "requested_credit_limit"
type = "number"
[[features]]
name = "credit_bureau_score"
type = "number"
[[features]]
name = "stated_income"
type = "number"
[[features]]
name = "is_customer"
type = "flag"
[[context]]
name = "app_channel"
type = "category"
[[cohorts]]
name = "app_channel"
[[metrics]]
name = "log_loss"
margin = 0.01
[[metrics]]
name = "accuracy"
margin = 0.02
block = "guardrail"
[[metrics]]
name = "auc"
margin = 0.02
block = "guardrail"
[[metrics]]
name = "brier"
margin = 0.02
block = "signal"
[monitor]
reference_days = 56
[retrain]
comparison_days = 21
folds = 2
trials = 3
[contract.predictions]
ignore = ["y_pred", "y_true"]
[contract.predictions.columns]
prediction_id = "id"
predicted_at = "timestamp"
score_prepaid_card = "y_pred_proba_prepaid_card"
score_highstreet_card = "y_pred_proba_highstreet_card"
score_upmarket_card = "y_pred_proba_upmarket_card"
"""
METRICS = ["log_loss", "accuracy", "auc", "brier"]
NOW = datetime(2021, 1, 1, tzinfo=UTC)
# Fridays too, because windows are counted back from the day of the look; the world of these rows changes on October 30.
QUIET, AFTER = datetime(2020, 10, 23, tzinfo=UTC), datetime(2020, 10, 30, tzinfo=UTC)
ARRIVED = datetime(2021, 1, 10, tzinfo=UTC)


def _rows() -> pl.DataFrame:
    spec = importlib.util.find_spec("nannyml")
    if spec is None or spec.origin is None:
        pytest.skip("nannyml, whose bundled rows this test reads, is not installed")
    data = Path(spec.origin).parent / "datasets" / "data"
    analysis = pl.read_csv(data / "mc_analysis.csv").join(pl.read_csv(data / "mc_analysis_gt.csv"), on="id")
    rows = pl.concat([pl.read_csv(data / "mc_reference.csv"), analysis], how="diagonal_relaxed").gather_every(6)
    return rows.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"), pl.col("id").cast(pl.String))


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return _rows()


@pytest.fixture(scope="module")
def cards(rows: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """All rows, the labels two days later; the logged scores are the champion's."""
    folder = tmp_path_factory.mktemp("cards")
    rows.with_columns(model_version=pl.lit("logged")).write_parquet(folder / "predictions.parquet")
    outcomes = rows.select(
        prediction_id="id",
        label="y_true",
        observed_at=pl.col("timestamp") + timedelta(days=2),
        source=pl.lit("observed"),
    )
    outcomes.write_parquet(folder / "outcomes.parquet")
    with Workspace.create(folder / "w") as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=NOW)
        for signal in (Signal.PREDICTIONS, Signal.OUTCOMES):
            report = ingest(
                loop, signal, read_source(str(folder / f"{signal.value}.parquet")), actor="ana", as_of=ARRIVED
            )
            assert (report.accepted, report.quarantined) == (rows.height, 0)
        first_champion(loop, external="logged", actor="ana")
        yield loop


def test_stored_scores_and_labels_are_those_of_the_file(cards: Loop, rows: pl.DataFrame) -> None:
    found = known_at(cards, ARRIVED).frame(
        "select prediction_id, score, score_upmarket_card, label from rows order by prediction_id"
    )
    theirs = rows.sort("id")
    probabilities = theirs.select(f"y_pred_proba_{name}" for name in CLASSES).to_numpy()
    assert found["score"].to_numpy() == pytest.approx(probabilities.max(axis=1))
    assert found["score_upmarket_card"].to_list() == theirs["y_pred_proba_upmarket_card"].to_list()
    assert [cards.charter.loop.label_word(label) for label in found["label"]] == theirs["y_true"].to_list()


def test_a_window_says_what_scikit_learn_says_of_its_rows(cards: Loop, rows: pl.DataFrame) -> None:
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    points = {p.metric: p for p in performance(cards, NOW, weeks=3, metrics=METRICS) if p.value is not None}
    mine = rows.filter(
        pl.col("timestamp").is_between(points["auc"].window_start, points["auc"].window_end, closed="left")
    )
    scores = mine.select(f"y_pred_proba_{name}" for name in CLASSES).to_numpy()
    labels = np.array([CLASSES.index(name) for name in mine["y_true"]])
    assert points["accuracy"].value == pytest.approx(accuracy_score(labels, scores.argmax(axis=1)))
    rounded = scores / scores.sum(axis=1, keepdims=True)
    assert points["auc"].value == pytest.approx(roc_auc_score(labels, rounded, multi_class="ovr"), abs=2e-3)
    assert points["log_loss"].value == pytest.approx(log_loss(labels, rounded), rel=0.02)
    assert all(p.ci_low < p.value < p.ci_high for p in points.values())


def test_pending_windows_have_an_estimate_that_labels_bear_out(cards: Loop) -> None:
    realised = {(p.metric, p.window_start): p for p in performance(cards, AFTER, metrics=METRICS) if p.value}
    pending = {
        (p.metric, p.window_start) for p in performance(cards, QUIET, metrics=METRICS) if p.state is State.PENDING
    }
    estimates = [
        p for p in estimated_performance(cards, QUIET, metrics=METRICS) if (p.metric, p.window_start) in pending
    ]
    assert {p.metric for p in estimates} == set(METRICS)
    misses = [abs(p.value - realised[p.metric, p.window_start].value) / (p.ci_high - p.value) for p in estimates]
    assert np.median(misses) < 1.5


def test_estimates_see_what_happened_before_labels_do(cards: Loop) -> None:
    """At the end of October the model becomes worse; the estimate says so, though not how much worse."""
    points = [p for p in estimated_performance(cards, NOW, metrics=["log_loss"]) if p.n > 300]
    before = [p for p in points if p.window_end <= AFTER]
    since = [p for p in points if p.window_start > AFTER]
    assert min(p.value for p in since) > max(p.ci_low + (p.ci_high - p.ci_low) / 2 for p in before)
    assert {p.state for p in since} <= {State.WATCH, State.ALARM, State.OK}
    realised = {p.window_start: p.value for p in performance(cards, NOW, metrics=["log_loss"])}
    assert all(realised[p.window_start] > p.value for p in since if realised.get(p.window_start))


def test_calibration_is_of_the_class_that_is_said(cards: Loop) -> None:
    curve = calibration(cards, ARRIVED)[0]
    assert (curve.unit, curve.n > 3_000) == (None, True)
    assert 0 < curve.ece < 0.1
    assert 0.5 < curve.slope < 1.5
    assert all(0 <= one.share <= 1 and one.score >= 1 / 3 for one in curve.bins)


def test_there_is_no_threshold_and_that_is_said(cards: Loop) -> None:
    with pytest.raises(RefusedError, match="multiclass"):
        decision_boundary(cards, ARRIVED)


def test_uncertainty_is_a_share_of_complete_doubt(cards: Loop) -> None:
    assert all(0.1 < point.uncertainty < 0.9 for point in service_health(cards, ARRIVED, weeks=5))


def test_the_monitor_says_something_of_every_metric(cards: Loop) -> None:
    codes = {finding.code for finding in monitor(cards, NOW)}
    assert {"performance.log_loss", "performance.accuracy", "performance.auc", "drift.feature", "drift.score"} <= codes


def test_another_mix_of_answers_is_seen_though_the_model_is_as_sure_as_ever(cards: Loop, tmp_path: Path) -> None:
    shutil.copytree(cards.workspace.path, tmp_path / "w")
    with Workspace.open(tmp_path / "w") as workspace:
        loop = workspace.loop(cards.name)
        week = f"predicted_at >= '{QUIET - timedelta(days=7):%Y-%m-%d}' and predicted_at < '{QUIET:%Y-%m-%d}'"
        exchanged = "score_prepaid_card = score_upmarket_card, score_upmarket_card = score_prepaid_card"
        sql = f"update {loop.table('predictions')} set {exchanged} where {week} and score_prepaid_card > score_upmarket_card"
        before = {s.feature: s for s in drift_scores(loop, QUIET, weeks=1)}
        loop.lake.write(lambda tx: tx.execute(sql), actor="eve", message="another mix")
        after = {s.feature: s for s in drift_scores(loop, QUIET, weeks=1)}
        found = {f.subject: f.state for f in monitor(loop, QUIET) if f.code == "drift.score"}
    answers = {"score", *(f"score_{name}" for name in CLASSES)}
    assert {name for name, score in before.items() if score.is_answer} == answers
    assert {name for name in answers if before[name].state is State.ALARM} == set()
    moved = {"score_prepaid_card", "score_upmarket_card"}
    assert {name for name in answers if after[name].state is State.ALARM} == moved
    assert after["score"].value == before["score"].value
    assert {name: found[name] for name in moved} == dict.fromkeys(moved, State.ALARM)


def test_evidently_reports_quality_by_class(cards: Loop) -> None:
    start = datetime(2020, 12, 7, tzinfo=UTC)
    report = evidently_report(cards, ARRIVED, window=(start, start + timedelta(days=7)), seed=1)
    assert "upmarket_card" in report.path_json.read_text()


def test_a_challenger_is_trained_compared_and_served(cards: Loop) -> None:
    made = retrain(cards, as_of=NOW, actor="ana", seed=1, budget=Budget(3, 60))
    again = retrain(cards, as_of=NOW, actor="ana", seed=1, budget=Budget(3, 60))
    assert made.version == again.version
    card = compare(cards, made.version, as_of=ARRIVED, actor="ana")
    assert {c.metric for c in card.cells if c.cohort is None} == set(METRICS)
    assert all(c.verdict is not Verdict.NOT_APPLICABLE and c.ci_low < c.ci_high for c in card.cells if c.cohort is None)
    assert 0.5 < card.overall("accuracy").challenger < 0.9
    assert card.overall("accuracy").difference == pytest.approx(
        card.overall("accuracy").challenger - card.overall("accuracy").champion
    )
    found = flips(cards, card)
    assert found.threshold is None
    assert found.chosen.net == pytest.approx(card.overall("accuracy").difference)
    assert {one.champion_says == one.label for one in found.rows if one.kind == "fixed"} == {False}
    assert {one.challenger_says == one.label for one in found.rows if one.kind == "fixed"} == {True}
    assert "Who gains, who loses: accuracy" in scorecard_html(cards, card)


# -- bad input ---------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(workspace: Workspace) -> Loop:
    return workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=NOW)


def _batch(tmp_path: Path, rows: pl.DataFrame, name: str):
    path = tmp_path / f"{name}.parquet"
    rows.write_parquet(path)
    return read_source(str(path))


def test_odd_classes_and_probabilities_are_quarantined(empty: Loop, rows: pl.DataFrame, tmp_path: Path) -> None:
    some = rows.head(4).with_columns(
        y_pred_proba_prepaid_card=pl.Series([0.97, 0.9, None, 1.7]), model_version=pl.lit("logged")
    )
    report = ingest(empty, Signal.PREDICTIONS, _batch(tmp_path, some, "p"), actor="ana", as_of=ARRIVED)
    assert (report.accepted, report.quarantined) == (1, 3)
    assert {rule.rule for rule in report.rules} >= {"score.adds_up", "score_prepaid_card.max"}
    outcomes = pl.DataFrame(
        {"prediction_id": [some["id"][0]] * 2, "label": ["gold_card", "prepaid_card"], "observed_at": [NOW, NOW]}
    )
    report = ingest(empty, Signal.OUTCOMES, _batch(tmp_path, outcomes, "o"), actor="ana", as_of=ARRIVED)
    assert [(rule.rule, rule.rows) for rule in report.rules] == [("label.type", 1)]


def test_logged_scores_need_every_class(empty: Loop) -> None:
    with pytest.raises(SourceError, match="score_highstreet_card"):
        log_scores(empty, "other", pl.DataFrame({"prediction_id": ["a"], "score": [0.5]}), actor="ana", as_of=NOW)
    whole = pl.DataFrame({"prediction_id": ["a"], **{f"score_{name}": [1 / 3] for name in CLASSES}})
    assert log_scores(empty, "other", whole, actor="ana", as_of=NOW).accepted == 1
    assert log_scores(empty, "other", whole, actor="ana", as_of=NOW).accepted == 0


def test_classes_may_be_added_and_nothing_else(empty: Loop) -> None:
    more = CHARTER.replace('"upmarket_card"]', '"upmarket_card", "black_card"]')
    assert (
        empty.workspace.set_charter(more, actor="ana", reason="new", as_of=NOW).charter.score_columns[-1]
        == "score_black_card"
    )
    for changed in (
        CHARTER.replace('"prepaid_card", ', ""),
        CHARTER.replace('"prepaid_card", "highstreet_card"', '"highstreet_card", "prepaid_card"'),
    ):
        with pytest.raises(CharterError, match="same order"):
            empty.workspace.set_charter(changed, actor="ana", reason="?", as_of=NOW)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('task = "multiclass"', 'task = "binary"', "classes"),
        ('classes = ["prepaid_card", "highstreet_card", "upmarket_card"]', 'classes = ["a"]', "at least two"),
        ('classes = ["prepaid_card", "highstreet_card", "upmarket_card"]', 'classes = ["a", "a"]', "no two the same"),
        ('classes = ["prepaid_card",', 'classes = ["Prepaid card",', "pattern"),
        ('name = "accuracy"', 'name = "mae"', "says nothing of task"),
        ('name = "stated_income"', 'name = "score_prepaid_card"', "reserved"),
    ],
)
def test_a_charter_that_contradicts_its_task_is_refused(was: str, becomes: str, said: str) -> None:
    with pytest.raises(CharterError, match=said):
        parse_charter(CHARTER.replace(was, becomes, 1))


def test_feedback_names_the_class(empty: Loop, rows: pl.DataFrame, tmp_path: Path) -> None:
    some = rows.head(1)
    ingest(empty, Signal.PREDICTIONS, _batch(tmp_path, some, "p"), actor="ana", as_of=ARRIVED)
    known = {"prediction_id": [some["id"][0]], "label": ["upmarket_card"], "observed_at": [NOW]}
    ingest(empty, Signal.OUTCOMES, _batch(tmp_path, pl.DataFrame(known), "o"), actor="ana", as_of=ARRIVED)
    said = {
        "feedback_id": ["f"],
        "prediction_id": [some["id"][0]],
        "given_at": [NOW],
        "rating": [1.0],
        "comment": ["no"],
    }
    ingest(empty, Signal.FEEDBACK, _batch(tmp_path, pl.DataFrame(said), "f"), actor="ana", as_of=ARRIVED)
    item = feedback_items(empty, ARRIVED).items[0]
    assert empty.charter.loop.label_word(item.label) == "upmarket_card"
