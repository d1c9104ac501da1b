"""The whole comparison on a lake: fair rows, refusals, gates, badge, sentence, storage."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.compare import NotEstimable, Pairs, Units, compare, latest_scorecard, load_scorecard
from loop_core.compare.metrics import estimate
from loop_core.compare.scores import scored_batches
from loop_core.errors import IntegrityError, NotReadyError, RefusedError, UnknownNameError
from loop_core.labels import read_at
from loop_core.models import register_external
from loop_core.vocabulary import Verdict
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)
LATER = END + timedelta(days=61)
METRICS = '\n[[metrics]]\nname = "auc"\nmargin = 0.01\nblock = "guardrail"\n\n[[metrics]]\nname = "brier"\nmargin = 0.01\nblock = "signal"\n'


@pytest.fixture
def loop(workspace):
    return workspace.set_charter(CHARTER + METRICS, actor="ana", reason="first", as_of=START)


def challenger(loop, rows, name, noise, harmed=None, train_end=None):
    """An external challenger with logged scores: closer to the truth the smaller its noise; random for `harmed`."""
    rng = np.random.default_rng(len(name))
    chance = rows["chance"].to_numpy()
    wide = np.where(rows["state"].to_numpy() == harmed, 1.5, noise)
    logit = np.log(chance / (1 - chance)) + rng.normal(0, 1, rows.height) * wide
    frame = rows.select("prediction_id", scored_at="predicted_at").with_columns(
        model_version=pl.lit(name), score=pl.Series(1 / (1 + np.exp(-logit)))
    )

    def body(tx):
        tx.register("s", frame)
        tx.execute(f"insert into {loop.table('scores')} by name from s")

    loop.lake.write(body, actor="ana", message=name)
    register_external(loop, name, actor="ana", as_of=START, train_end=train_end or START)


@pytest.fixture
def rows(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows))
    return rows


def test_a_better_challenger_ships(loop, rows):
    challenger(loop, rows, "good", 0.05)
    card = compare(loop, "good", as_of=LATER, actor="ana")
    assert card.badge == "Ship"
    assert {g.state for g in card.gates} == {"passed"}
    assert (card.champion, card.n, card.overall("auc").verdict) == ("old", 8_000, Verdict.BETTER)
    assert card.sentence.startswith("On the whole people gain: log loss ")
    assert "about 280 predictions a week" in card.sentence
    assert "No group is shown to lose." in card.sentence


def test_better_overall_but_worse_for_one_cohort_does_not_ship(loop, rows):
    challenger(loop, rows, "uneven", 0.05, harmed="BA")
    card = compare(loop, "uneven", as_of=LATER, actor="ana")
    worse = {(c.cohort_value, c.metric) for c in card.cells if c.verdict is Verdict.WORSE and c.cohort}
    assert ("BA", "log_loss") in worse
    assert all(value == "BA" for value, _ in worse)
    assert card.badge == "Do not ship"
    assert "Worse for state BA" in card.sentence
    blocked = next(g for g in card.gates if g.state == "blocked")
    assert (blocked.name, bool(blocked.next_step)) == ("no cohort worse", True)


def test_a_model_against_itself_changes_nothing(loop, rows):
    card = compare(loop, "old", against="old", as_of=LATER, actor="ana")
    assert {c.difference for c in card.cells} == {0.0}
    assert {c.verdict for c in card.cells} == {Verdict.NOT_WORSE}
    assert card.badge == "Ready for review"


def test_only_rows_that_neither_has_seen_and_that_are_due(loop, rows):
    challenger(loop, rows, "young", 0.1, train_end=START + timedelta(days=100))
    card = compare(loop, "young", as_of=END, actor="ana")
    assert card.window_start == START + timedelta(days=100)
    # Labels take ten days, and have sixty to come: the newest row that is due is sixty days old.
    assert card.window_end == END - timedelta(days=60) + timedelta(microseconds=1)
    assert card.n == 40 * 40 + 1
    assert "young saw nothing from 2018-04-11 on" in card.proof
    assert compare(loop, "young", as_of=END, since=START + timedelta(days=120), record=False).n == 20 * 40 + 1


def test_refusals_say_what_is_missing(loop, rows):
    challenger(loop, rows, "future", 0.1, train_end=END + timedelta(days=5))
    with pytest.raises(RefusedError, match="trained on rows up to"):
        compare(loop, "future", as_of=END, actor="ana")
    with pytest.raises(
        NotReadyError,
        match="No prediction was made from 2018-07-25 on; those that are due, 2018-01-01 to 2018-05-27, were seen in training",
    ):
        compare(loop, "future", as_of=END + timedelta(days=6), actor="ana")
    with pytest.raises(UnknownNameError, match="future"):
        compare(loop, "nobody", as_of=END, actor="ana")
    with pytest.raises(RefusedError, match="actor"):
        compare(loop, "future", as_of=END)
    register_external(loop, "silent", actor="ana", as_of=START)
    with pytest.raises(NotReadyError, match="no scored rows in common"):
        compare(loop, "silent", as_of=LATER, actor="ana")


def test_small_cohorts_and_single_classes_have_no_verdict_but_a_reason(loop):
    rows = predictions().with_columns(
        state=pl.when(pl.int_range(pl.len()) % 250 == 0).then(pl.lit("AC")).otherwise(pl.col("state")),
        chance=pl.when(pl.col("state") == "RJ").then(0.0).otherwise(pl.col("chance")),
    )
    fill(loop, rows, outcomes(rows))
    challenger(loop, rows.with_columns(chance=pl.col("chance").clip(0.02)), "good", 0.05)
    cells = {(c.cohort_value, c.metric): c for c in compare(loop, "good", as_of=LATER, actor="ana").cells}
    assert cells["AC", "log_loss"].verdict is Verdict.NOT_APPLICABLE
    assert "rows of the rarer class; an interval needs 20" in cells["AC", "log_loss"].reason
    assert cells["AC", "log_loss"].challenger is not None
    assert cells["RJ", "auc"].verdict is Verdict.NOT_APPLICABLE
    assert "needs both classes" in cells["RJ", "auc"].reason


def test_few_rows_hold_the_release_and_say_for_how_long(loop, rows):
    challenger(loop, rows, "steadily", 0.5)
    card = compare(loop, "steadily", as_of=LATER, since=END - timedelta(days=14), actor="ana")
    held = [g for g in card.gates if g.state == "held"]
    assert held
    assert card.badge.endswith("days left")
    undecided = [c for c in card.cells if c.verdict is Verdict.INCONCLUSIVE]
    # Where only the correction for many cohorts holds a cell back, no number of rows can be promised.
    assert all(c.rows_needed > 0 for c in undecided if not c.reason)


def test_a_challenger_that_hides_what_it_was_trained_on_is_held(loop, rows):
    challenger(loop, rows, "hidden", 0.05)
    register_external(loop, "unsaid", actor="ana", as_of=START)
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at) select prediction_id, 'unsaid', score, scored_at"
            f" from {loop.table('scores')} where model_version = 'hidden'"
        ),
        actor="ana",
        message="the same scores under another name",
    )
    states = {name: compare(loop, name, as_of=LATER, actor="ana").gates[0] for name in ("hidden", "unsaid")}
    assert states["hidden"].state == "passed"
    assert (states["unsaid"].state, "does not say what it was trained on" in states["unsaid"].sentence) == (
        "held",
        True,
    )


def test_a_handful_of_positives_gives_no_verdict(loop, rows):
    """With next to no positives whichever model says less would win, with next to no spread."""
    rng = np.random.default_rng(0)
    labels = (np.arange(400) < 4).astype(float)
    low, high = rng.uniform(0.001, 0.01, 400), rng.uniform(0.01, 0.03, 400)
    found = [estimate(name, Pairs(labels, low, high, Units(None, 400))) for name in ("log_loss", "brier", "auc")]
    assert all(isinstance(one, NotEstimable) for one in found)
    assert all("rarer class" in one.reason for one in found)


def test_one_entity_gives_no_verdict_and_no_crash(loop, rows):
    rng = np.random.default_rng(0)
    labels = (rng.random(200) < 0.5).astype(float)
    scores = rng.random((2, 200))
    one_seller = Units.of(pl.Series(["s"] * 200), 200)
    assert isinstance(estimate("auc", Pairs(labels, *scores, one_seller)), NotEstimable)
    assert isinstance(estimate("log_loss", Pairs(labels, *scores, one_seller)), NotEstimable)


def test_stored_verified_and_recorded_once(loop, rows):
    challenger(loop, rows, "good", 0.05)
    first = compare(loop, "good", as_of=LATER, actor="ana")
    again = compare(loop, "good", as_of=LATER, actor="ana")
    assert again == first == load_scorecard(loop, first.id) == latest_scorecard(loop, "good")
    assert len(loop.entries("comparison.made")) == 1
    assert compare(loop, "good", as_of=LATER, record=False) == first
    assert latest_scorecard(loop, "old") is None
    path = loop.workspace.reports / loop.name / "scorecards" / f"{first.id}.json"
    stored = json.loads(path.read_text())
    stored["badge"] = "Do not ship"
    path.write_text(json.dumps(stored))
    with pytest.raises(IntegrityError, match="changed on disk"):
        load_scorecard(loop, first.id)
    with pytest.raises(UnknownNameError):
        load_scorecard(loop, "0" * 12)


def test_scores_come_from_where_they_were_logged(loop, rows):
    challenger(loop, rows.head(100), "partial", 0.1)
    reading = read_at(loop, LATER)
    versions = {"a": "old", "b": "partial", "c": "nobody"}

    def scored(where="true", **given):
        return pl.concat(scored_batches(loop, reading, versions, "r.prediction_id", where, **given)).count().row(0)

    assert scored() == (8_000, 8_000, 100, 0)
    assert scored("state = $state", state="SP")[2] < 100


def test_a_card_of_before_a_field_was_added_stays_whole(loop, rows):
    challenger(loop, rows, "good", 0.05)
    card = compare(loop, "good", as_of=LATER, record=False)
    stored = card.to_json()
    del stored["notes"], stored["id"]
    content = json.dumps(stored, sort_keys=True, ensure_ascii=False)
    older = replace(card, id=hashlib.sha256(content.encode()).hexdigest()[:12])
    path = loop.workspace.reports / loop.name / "scorecards" / f"{older.id}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**stored, "id": older.id}))
    # Its entry, too, is one of before: without the whole hash.
    loop.ledger.append(
        kind="comparison.made",
        loop=loop.name,
        subject="good",
        actor="ana",
        as_of=LATER,
        payload={"scorecard": older.id},
    )
    assert load_scorecard(loop, older.id) == older
