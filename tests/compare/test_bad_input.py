"""What a comparison does with input that nobody should send: each a stated outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.compare import Scorecard, compare
from loop_core.errors import CharterError, NotReadyError, RefusedError
from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, N, fill, outcomes, predictions

END = START + timedelta(days=DAYS)
LATER = END + timedelta(days=61)
AUC = '\n[[metrics]]\nname = "auc"\nmargin = 0.01\nblock = "guardrail"\n'
Scores = Callable[[pl.DataFrame], np.ndarray]


def near(rows: pl.DataFrame) -> np.ndarray:
    """Scores close to the truth."""
    return np.clip(rows["chance"].to_numpy() + np.random.default_rng(5).normal(0, 0.01, rows.height), 0.01, 0.99)


@pytest.fixture
def world(workspace) -> Loop:
    """`old` serves, on 8,000 mature rows."""
    loop = workspace.set_charter(CHARTER + AUC, actor="ana", reason="first", as_of=START)
    rows = predictions()
    return fill(loop, rows, outcomes(rows))


def write(loop: Loop, body: Callable[[Transaction], object]) -> None:
    loop.lake.write(lambda tx: body(tx) and None, actor="ana", message="trouble")


def enter(loop: Loop, scores: Scores = near, name: str = "new", **more) -> str:
    """An external challenger with these logged scores."""
    rows = predictions()
    frame = rows.select("prediction_id", scored_at="predicted_at", score=pl.Series(scores(rows)))

    def body(tx: Transaction) -> None:
        tx.register("s", frame.with_columns(model_version=pl.lit(name)))
        tx.execute(f"insert into {loop.table('scores')} by name from s")

    write(loop, body)
    register_external(loop, name, actor="ana", as_of=START, **{"train_end": START, **more})
    return name


def compared(loop: Loop, name: str = "new", **more) -> Scorecard:
    return compare(loop, name, as_of=LATER, record=False, **more)


def test_no_common_rows(world):
    register_external(world, "silent", actor="ana", as_of=START, train_end=START)
    with pytest.raises(
        NotReadyError,
        match=r"old and silent have no scored rows in common among 8,000 labelled rows that are due .*To do: log",
    ):
        compared(world, "silent")


def test_one_class_in_a_cohort(world):
    write(
        world,
        lambda tx: tx.execute(
            f"update {world.table('outcomes')} set label = 0 where prediction_id in"
            f" (select prediction_id from {world.table('predictions')} where state = 'BA')"
        ),
    )
    cells = [c for c in compared(world, enter(world)).cells if c.cohort_value == "BA"]
    assert {c.verdict for c in cells} == {Verdict.NOT_APPLICABLE}
    assert all("class" in c.reason for c in cells)


def test_constant_scores(world):
    card = compared(world, enter(world, lambda rows: np.full(rows.height, 0.25)))
    auc = card.overall("auc")
    assert (auc.challenger, auc.verdict) == (0.5, Verdict.WORSE)
    assert card.badge == "Do not ship"


def test_both_constant(world):
    write(world, lambda tx: tx.execute(f"update {world.table('predictions')} set score = 0.25"))
    card = compared(world, enter(world, lambda rows: np.full(rows.height, 0.25)))
    assert {c.verdict for c in card.cells} <= {Verdict.NOT_WORSE, Verdict.NOT_APPLICABLE}
    assert {c.difference for c in card.cells} <= {0.0, None}


def test_nan_scores_are_left_out_and_counted(world):
    card = compared(world, enter(world, lambda rows: np.where(np.arange(rows.height) % 4 == 0, np.nan, near(rows))))
    assert card.n == 6_000
    assert "2,000 labelled rows have no score of one of the two and were left out." in card.notes


def test_only_nan_scores(world):
    with pytest.raises(NotReadyError, match="no scored rows in common"):
        compared(world, enter(world, lambda rows: np.full(rows.height, np.nan)))


def test_a_cohort_whose_column_is_gone(world):
    """The charter is refused as long as it names it; and one that does not can be compared."""
    without = CHARTER.replace('[[features]]\nname = "state"\ntype = "category"\nvalues = ["SP", "RJ", "BA"]\n', "")
    with pytest.raises(CharterError, match="cohort 'state' is no column and has no expression; columns: price, weight"):
        world.workspace.set_charter(without, actor="ana", reason="x", as_of=LATER)
    # The lake keeps what it was given, but an expression is of the columns that are declared.
    for sql in ("lower(state)", "lower(region)"):
        lost = without.replace('name = "state"\n', f'name = "state"\nexpression = "{sql}"\n')
        with pytest.raises(CharterError, match=r'cohort .state.*Referenced column "(state|region)" not found'):
            world.workspace.set_charter(lost, actor="ana", reason="x", as_of=LATER)
    nobody = without.replace('[[cohorts]]\nname = "state"\nmin_rows = 50\n', "")
    changed = world.workspace.set_charter(nobody, actor="ana", reason="x", as_of=LATER)
    assert {c.cohort_value for c in compared(changed, enter(changed)).cells} == {None}


def test_repeated_prediction_ids_count_once(world):
    enter(world)
    before = compared(world)
    table = world.table("predictions")
    write(
        world,
        lambda tx: tx.execute(
            f"insert into {table} by name select * replace (predicted_at + interval 1 minute as predicted_at, 0.99 as score)"
            f" from {table} where state = 'BA'"
        ),
    )
    after = compared(world)
    repeated = next(c.n for c in before.cells if c.cohort_value == "BA")
    assert after.n == before.n == N
    assert f"{repeated:,} rows repeat the prediction id of an earlier one and were left out." in after.notes
    assert [c.difference for c in after.cells] == [c.difference for c in before.cells]


@pytest.mark.parametrize(("score", "version"), [(1.5, "old"), (-0.2, "old")])
def test_scores_of_the_champion_that_are_no_probabilities(world, score, version):
    write(world, lambda tx: tx.execute(f"update {world.table('predictions')} set score = {score} where state = 'BA'"))
    with pytest.raises(
        RefusedError, match=r"scores of the champion old are no probabilities, they lie outside \[0, 1\]"
    ):
        compared(world, enter(world))


def test_scores_of_the_challenger_that_are_no_probabilities(world):
    with pytest.raises(RefusedError, match="8,000 scores of the challenger new are no probabilities"):
        compared(world, enter(world, lambda rows: near(rows) + 1))


def test_a_challenger_that_was_trained_on_the_window_asked_for(world):
    enter(world, train_end=START + timedelta(days=100))
    with pytest.raises(RefusedError) as caught:
        compared(world, since=START + timedelta(days=30))
    assert "new was trained on rows up to 2018-04-11 00:00, and the comparison was to begin on 2018-01-31" in str(
        caught.value
    )
    assert "70 days of it are in its training" in str(caught.value)


def test_a_challenger_that_was_trained_on_every_row_that_is_due(world):
    enter(world, train_end=END)
    with pytest.raises(NotReadyError, match="those that are due, 2018-01-01 to 2018-07-20, were seen in training"):
        compared(world)


def test_a_challenger_from_the_future(world):
    enter(world, train_end=LATER + timedelta(days=5))
    with pytest.raises(RefusedError, match=r"new was trained on rows up to .* and the comparison is as of"):
        compared(world)


@pytest.mark.parametrize("margin", ["-0.01", "0", "nan"])
def test_margins_of_the_wrong_sign(workspace, margin):
    text = CHARTER.replace("margin = 0.01", f"margin = {margin}")
    with pytest.raises(CharterError, match="margin"):
        workspace.set_charter(text, actor="ana", reason="x", as_of=START)


def test_ten_thousand_cohorts(world):
    """A row or two each, and all of them kept apart: a verdict for nobody alone, the one overall stands."""
    text = (CHARTER + AUC).replace(
        'name = "state"\nmin_rows = 50',
        'name = "state"\nexpression = "hash(price) % 10000"\nmin_rows = 50\nmax_values = 10_000',
    )
    many = world.workspace.set_charter(text, actor="ana", reason="every price", as_of=START)
    card = compared(many, enter(many))
    inside = [c for c in card.cells if c.cohort]
    groups = len(inside) // 2
    assert 5_000 < groups < 8_000
    assert {c.verdict for c in inside} == {Verdict.NOT_APPLICABLE}
    assert card.overall("log_loss").verdict is Verdict.BETTER
    gate = next(g for g in card.gates if g.name == "no cohort worse")
    assert f"{len(inside):,} have too few rows" in gate.sentence or f"{len(inside)} have too few rows" in gate.sentence
