from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from loop_core.compare import Cell, compare
from loop_core.release import approve, promote, propose, rollback, serve, state, watch
from loop_core.release.watch import bounds
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop
from tests.conftest import START

DAY = timedelta(days=1)


def release(loop: Loop, version: str, when: datetime, known: datetime) -> None:
    card = compare(loop, version, as_of=known, actor="ana", record=True)
    name = propose(loop, version, scorecard=card.id, actor="ana", as_of=when, reason="x").id
    approve(loop, name, actor="bo", as_of=when)
    promote(loop, name, actor="ana", as_of=when)


def served_by(loop: Loop) -> dict[str, int]:
    return dict(loop.lake.rows(f"select model_version, count(*) from {loop.table('predictions')} group by 1"))


def test_each_prediction_is_answered_by_the_champion_of_its_time(duel: Loop, end: datetime) -> None:
    release(duel, "good", START + 100 * DAY, end)
    assert serve(duel, START, START + 150 * DAY, actor="ana") == 1_000
    assert served_by(duel) == {"old": 3_000, "good": 1_000}
    assert serve(duel, START, START + 150 * DAY, actor="ana") == 0
    wrong = duel.lake.rows(
        f"select count(*) from {duel.table('predictions')} where (model_version = 'good') <> (predicted_at >= $since and predicted_at < $until)",
        {"since": START + 100 * DAY, "until": START + 150 * DAY},
    )
    assert wrong == [(0,)]


def test_what_the_former_champion_logged_is_kept(duel: Loop, end: datetime) -> None:
    table, scores = duel.table("predictions"), duel.table("scores")
    before = dict(duel.lake.rows(f"select prediction_id, score from {table}"))
    release(duel, "good", START + 100 * DAY, end)
    serve(duel, START + 100 * DAY, START + 200 * DAY, actor="ana")
    kept = dict(duel.lake.rows(f"select prediction_id, score from {scores} where model_version = 'old'"))
    assert len(kept) == 2_000
    assert all(before[name] == score for name, score in kept.items())
    rollback(duel, actor="cy", as_of=START + 150 * DAY, reason="a drill")
    assert serve(duel, START + 150 * DAY, START + 200 * DAY, actor="ana") == 1_000
    assert all(
        score == before[name]
        for name, score in duel.lake.rows(f"select prediction_id, score from {table} where model_version = 'old'")
    )


def test_a_champion_that_proves_worse_is_rolled_back(duel: Loop, end: datetime) -> None:
    release(duel, "good", START + DAY, end)
    duel.ledger.append(
        kind="release.promoted",
        loop=duel.name,
        subject="bad",
        actor="eve",
        as_of=START + 2 * DAY,
        payload={"proposal": None, "previous": "good"},
    )
    assert watch(duel, START + 5 * DAY, actor="cycle") is None  # no label yet
    undone = watch(duel, end, actor="cycle")
    assert undone is not None
    assert "log_loss worse than good" in undone.reason
    assert state(duel, end).champion == "good"


def test_a_champion_that_holds_is_left_alone(duel: Loop, end: datetime) -> None:
    release(duel, "good", START + DAY, end)
    assert watch(duel, end, actor="cycle") is None
    assert state(duel, end).champion == "good"


def test_looking_often_does_not_undo_equals() -> None:
    """1,000 pairs of equal models, looked at weekly for two years: few are ever rolled back; a fixed interval undoes many."""
    rng = np.random.default_rng(1)
    weekly, weeks, runs = 100, 104, 1_000
    sums = rng.normal(0, np.sqrt(weekly), (runs, weeks)).cumsum(axis=1)
    n = weekly * np.arange(1, weeks + 1)
    mean, se = sums / n, 1 / np.sqrt(n)
    sequence = np.array([bounds(cell(0.0, float(s), int(k)))[1] for s, k in zip(se, n, strict=True)], dtype=float)
    assert (mean + sequence < 0).any(axis=1).mean() <= 0.05
    assert (mean + 1.96 * se < 0).any(axis=1).mean() > 0.10


def test_a_worse_model_is_undone_in_time() -> None:
    """A loss of 0.1 σ at 100 rows a week: undone within half a year in at least 90 % of runs."""
    rng = np.random.default_rng(2)
    n = 100 * np.arange(1, 27)
    mean = (rng.normal(-10, 10, (1_000, 26)).cumsum(axis=1)) / n
    sequence = np.array([bounds(cell(0.0, float(1 / np.sqrt(k)), int(k)))[1] for k in n], dtype=float)
    assert (mean + sequence < 0).any(axis=1).mean() >= 0.9


def cell(difference: float, se: float, n: int) -> Cell:
    return Cell(
        metric="log_loss", block="goal", cohort=None, cohort_value=None, n=n, champion=0.0, challenger=0.0, difference=difference,
        ci_low=difference - 1.96 * se, ci_high=difference + 1.96 * se, margin=0.01, verdict=Verdict.INCONCLUSIVE, rows_needed=None,
        method="", reason="", se=se,
    )  # fmt: skip
