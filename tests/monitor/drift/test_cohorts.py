"""Drift of one cohort value: found where it is, silent where nothing moves, told in a few sentences."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.monitor import cohort_drift, drift_scores, monitor
from loop_core.monitor.check_drift import MOST_COHORTS, Weighing, check_cohort_drift
from loop_core.monitor.profiles import profile_series
from loop_core.monitor.profiles.cohorts import cohort_series
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.drift.simulated_cohorts import quiet_cohort_alarms, shifted
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
LATE = pl.col("predicted_at") >= END - timedelta(days=14)


@pytest.mark.parametrize("n", [100, 1_000, 100_000])
def test_quiet_cohorts_alarm_within_their_share_of_the_budget(n):
    rate, months = quiet_cohort_alarms(n, 12, 2, windows=13, seed=n)
    assert rate <= 0.2 + 3 * np.sqrt(0.2 / months)


def test_a_shift_of_one_value_is_found_there_and_nowhere_else():
    for seed in range(5):
        (found,) = shifted(5_000, 12, 0.5, seed)
        assert (found.score.feature, found.score.cohort, found.score.cohort_value) == ("f0", "first", "a2")
        assert found.score.value > found.score.threshold
        assert found.score.state is State.ALARM


def test_one_cohort_of_a_loop_is_found_though_everybody_looks_as_usual(loop):
    moved = LATE & (pl.col("state") == "RJ")
    rows = predictions().with_columns(weight=pl.col("weight") + pl.when(moved).then(0.7).otherwise(0.0))
    fill(loop, rows)
    found = {d.score.feature: d for d in cohort_drift(loop, END)}
    assert (found["weight"].score.cohort, found["weight"].score.cohort_value) == ("state", "RJ")
    same = [s for s in drift_scores(loop, END, weeks=1, cohort="state") if s.feature == "weight"]
    assert found["weight"].score.value == pytest.approx(next(s.value for s in same if s.cohort_value == "RJ"))
    (said,) = [f for f in monitor(loop, END) if f.code == "drift.feature" and f.cohort]
    assert (said.subject, said.state, said.cohort_value) == ("weight", State.ALARM, "RJ")
    assert "drifted where state is RJ" in said.sentence
    again = eval(said.evidence, {"loop": loop, "cohort_drift": cohort_drift, "instant": lambda text: END})
    assert [d.score.value for d in again] == [said.value]


def test_a_quiet_loop_says_nothing_of_cohorts_and_its_series_are_those_of_each_cohort(loop):
    assert cohort_drift(loop, END) == []
    fill(loop, predictions())
    assert cohort_drift(loop, END) == []
    together = {(s.column, s.cohort, s.cohort_value): s for s in cohort_series(loop, END, weeks=3)}
    apart = [s for c in loop.charter.cohorts for s in profile_series(loop, END, weeks=3, cohort=c.name)]
    assert len(together) == len(apart) > 0
    for one in apart:
        same = together[one.column, one.cohort, one.cohort_value]
        assert np.array_equal(one.counts, same.counts)
        assert np.array_equal(one.reference, same.reference)
        assert (one.spans, one.numbers) == (same.spans, same.numbers)


def test_a_late_row_of_the_reference_is_seen(loop):
    rows = predictions()
    fill(loop, rows)
    before = {(s.column, s.cohort_value): s.reference.sum() for s in cohort_series(loop, END, weeks=1)}
    one = rows.filter(pl.col("predicted_at") < START + timedelta(days=3)).head(1)
    late = one.drop("chance").with_columns(prediction_id=pl.lit("late"), model_version=pl.lit("old"))

    def arrive(tx):
        tx.register("late", late)
        tx.execute(f"insert into {loop.table('predictions')} by name from late")

    loop.lake.write(arrive, actor="ana", message="late row")
    after = {(s.column, s.cohort_value): s.reference.sum() for s in cohort_series(loop, END, weeks=1)}
    assert after["price", one["state"][0]] == before["price", one["state"][0]] + 1


def test_what_drifts_for_everybody_is_not_said_again_and_a_room_reads_three_at_most():
    drifts = [d for seed in range(5) for d in shifted(5_000, 2, 1.0, seed)]
    weighing = Weighing(END, "old")
    assert len(drifts) >= 5
    assert len(list(check_cohort_drift(drifts, [], weighing))) == MOST_COHORTS
    assert list(check_cohort_drift(drifts, [drifts[0].score], weighing)) == []
