"""Verdicts rest on rows that are due: labels that come early are no fair sample."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from loop_core.compare import compare, compare_many, estimate
from loop_core.compare.verdict import verdict
from loop_core.errors import NotReadyError
from loop_core.labels import due_span, due_until, known_at
from loop_core.vocabulary import Verdict
from tests.compare.late_labels import CHARTER, HORIZON, START, fill, world

EARLY, END = START + timedelta(days=29), START + timedelta(days=105)
OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


def test_before_the_first_row_is_due_nothing_is_compared_and_the_day_is_named(workspace):
    loop = fill(workspace, world(0, 3_000))
    for ask in (
        lambda: compare(loop, "new", as_of=EARLY, record=False),
        lambda: compare_many(loop, ["new"], as_of=EARLY),
    ):
        with pytest.raises(NotReadyError, match=r"labels have 60 days to come, so the first is due on 2026-03-06"):
            ask()


def test_rows_are_compared_once_they_are_due(workspace):
    loop = fill(workspace, world(0, 3_000))
    half = compare(loop, "new", as_of=START + timedelta(days=HORIZON + 14), record=False)
    # The one made exactly sixty days before is due.
    assert half.n == 1_501
    assert half.window_end == due_until(loop.charter, half.as_of)
    assert "1,501 labelled rows that are due" in half.gates[0].sentence
    whole = compare(loop, "new", as_of=END, record=False)
    assert (whole.n, whole.notes) == (3_000, ())


def test_a_loop_without_cohorts_is_compared(workspace):
    card = compare(fill(workspace, world(0)), "new", as_of=END, record=False)
    assert (card.n, card.badge) == (24_000, "Ship")


def test_a_stray_of_another_year_does_not_stretch_the_time_that_rates_are_told_by(workspace):
    loop = fill(workspace, world(0, 3_000))
    stray = f"""insert into {loop.table("predictions")} by name select * replace ('stray' as prediction_id,
        timestamptz '2011-01-01 00:00:00+00' as predicted_at) from {loop.table("predictions")} limit 1"""
    loop.lake.write(lambda tx: tx.execute(stray), actor="ana", message="test")
    due = due_span(loop, END, None)
    assert due.first is not None
    assert due.first.year == START.year


def never_labelled(seed=0, n=3_000, share=0.05):
    made = world(seed, n)
    silent = np.random.default_rng(seed).random(n) < share
    return replace(made, label=np.where(silent, np.nan, made.label)), int(silent.sum())


@pytest.mark.parametrize("never", ["excluded", "negative"])
def test_rows_that_no_label_came_for_count_as_the_charter_says_and_their_share_is_told(workspace, never):
    made, silent = never_labelled()
    charter = CHARTER.replace("horizon_days = 60", f'horizon_days = 60\nnever = "{never}"')
    loop = fill(workspace, made, charter)
    card = compare(loop, "new", as_of=END, record=False)
    assert card.n == (3_000 if never == "negative" else 3_000 - silent)
    assert f"{silent:,} of 3,000 rows ({silent / 3_000:.1%}) are due and have no label" in card.notes[0]
    labels = "select count(label) from rows"
    assert known_at(loop, END).rows(labels) == [(card.n,)]
    # What is not due has no label yet, whatever it will count as.
    assert known_at(loop, START + timedelta(days=HORIZON)).rows(labels)[0][0] <= 3_000 - silent + 1


def verdicts_of(seed, n=24_000):
    """(by the labels that came early, by the rows that are due, by all of them)"""
    made = world(seed, n)
    early = made.age + made.delay <= 29
    due = made.age + HORIZON <= HORIZON + 14
    found = [estimate("log_loss", made.pairs(rows)) for rows in (early, due, np.ones(n, dtype=bool))]
    return [verdict(one.ci_low, one.ci_high, 0.001) for one in found]


def test_a_verdict_on_rows_that_are_due_is_never_the_opposite_of_the_last():
    found = [verdicts_of(seed) for seed in range(20)]
    assert all(OPPOSITE.get(due) is not last for _, due, last in found)
    assert all(OPPOSITE.get(early) is last for early, _, last in found), "the world turns early verdicts round"
