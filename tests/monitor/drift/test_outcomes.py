"""Odd windows and columns: each has a stated outcome with its reason, and none is an exception."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.charter import MonitorPlan
from loop_core.lake import Transaction
from loop_core.monitor import METHODS, drift_scores, monitor
from loop_core.monitor.profiles import CategoryBins, NumberBins
from loop_core.vocabulary import State
from tests.conftest import CHARTER, START
from tests.monitor.drift.simulated import category, number, series, verdicts_of
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
LATE = pl.col("predicted_at") >= END - timedelta(days=14)


def _newest(loop, feature: str, **asked):
    return [s for s in drift_scores(loop, END, weeks=1, **asked) if s.feature == feature]


def _judged(bins, reference, counts, plan=None, method="psi"):
    found = series("x", bins, np.array(reference, float), np.array(counts, float))
    state, reason = verdicts_of([found], method, plan).said(0)[-1]
    return state, "" if state in (State.OK, State.WATCH, State.ALARM) else reason


def test_an_empty_window_and_one_row_are_too_few():
    bins, reference, _ = number(np.random.default_rng(0), 100, 1)
    assert _judged(bins, reference, np.zeros((1, reference.shape[1]))) == (State.TOO_FEW, "No row in this window.")
    assert _judged(bins, reference, np.eye(reference.shape[1])[:1]) == (State.TOO_FEW, "1 rows; 50 are needed.")


@pytest.mark.parametrize("method", METHODS)
def test_constant_and_all_null_columns_are_quiet_or_not_applicable(method):
    constant, null = NumberBins((float(np.nextafter(7, -9)), 7.0)), NumberBins(())
    usual = np.tile([0.0, 100, 0, 0], (13, 1))
    assert _judged(constant, usual, usual[:1], method=method)[0] in (State.OK, State.NOT_APPLICABLE)
    nothing = np.tile([0.0, 100], (13, 1))
    assert _judged(null, nothing, nothing[:1], method=method)[0] in (State.OK, State.NOT_APPLICABLE)


def test_a_new_column_waits_for_a_reference_and_a_dropped_one_alarms():
    state, reason = _judged(NumberBins(()), np.tile([0.0, 100], (13, 1)), [[100, 0]])
    assert (state, "new column" in reason) == (State.NOT_APPLICABLE, True)
    bins, reference, _ = number(np.random.default_rng(1), 200, 1)
    gone = np.zeros((1, reference.shape[1]))
    gone[0, -1] = 200
    assert _judged(bins, reference, gone)[0] is State.ALARM
    assert _judged(bins, reference, gone, method="missing")[0] is State.ALARM
    assert _judged(bins, reference, gone, method="kolmogorov_smirnov") == (
        State.NOT_APPLICABLE,
        "There is no value to compare.",
    )


def test_a_reference_shorter_than_one_window_judges_nothing():
    bins, reference, counts = number(np.random.default_rng(2), 200, 1)
    found = series("x", bins, reference[:1], counts)
    short = replace(found, reference_end=found.reference_start + timedelta(days=3))
    assert verdicts_of([short]).said(0)[0] == (State.TOO_FEW, "The reference covers 3 days, less than one window of 7.")


def test_a_reference_of_one_window_judges():
    bins, reference, counts = category(np.random.default_rng(3), 500, 1)
    found = series("x", bins, reference[:1], counts)
    assert verdicts_of([found]).said(0)[0][0] in (State.OK, State.WATCH)


def test_new_values_at_their_natural_rate_are_quiet_and_a_wave_of_them_is_not():
    rng = np.random.default_rng(4)
    bins = CategoryBins(("a", "b"), frozenset("cdef"))
    usual = rng.multinomial(1_000, [0.6, 0.3, 0.08, 0.02, 0], size=13).astype(float)  # `(unseen)` is the last but one
    quiet, wave = [[600, 300, 80, 22, 0]], [[500, 250, 50, 200, 0]]
    for method in ("psi", "unseen"):
        assert _judged(bins, usual, quiet, method=method)[0] is State.OK
        assert _judged(bins, usual, wave, method=method)[0] is State.ALARM


def test_a_cohort_that_disappears_says_so(loop):
    fill(loop, predictions().filter(~(LATE & (pl.col("state") == "RJ"))))
    found = {s.cohort_value: s for s in _newest(loop, "price", cohort="state")}
    assert (found["RJ"].state, found["RJ"].reason) == (State.TOO_FEW, "No row of RJ in this window.")
    assert found["SP"].value is not None


def test_a_new_cohort_value_has_no_reference(loop):
    rows = predictions().with_columns(
        state=pl.when(LATE & (pl.col("state") == "SP")).then(pl.lit("ZZ")).otherwise("state")
    )
    found = {s.cohort_value: s for s in _newest(fill(loop, rows), "price", cohort="state")}
    # The profiles keep apart the values of the reference; what is new is together.
    new = found["(other)"]
    assert (new.state, new.reason) == (State.NOT_APPLICABLE, "(other) does not occur in the reference.")


def test_a_silent_week_is_an_outcome_of_every_feature(loop):
    fill(loop, predictions())
    later = END + timedelta(days=14)
    found = drift_scores(loop, later, weeks=1)
    assert {s.state for s in found} == {State.TOO_FEW}
    said = [f for f in monitor(loop, later) if f.stage == "drift"]
    assert len(said) == len(found)
    assert all("No row in this window." in f.sentence for f in said)


@pytest.mark.parametrize("method", METHODS)
def test_100_000_categories_and_infinities_do_not_stop_any_measure(loop, method):
    rows = predictions()
    odd = rows.with_columns(
        state=pl.concat_str(pl.lit("id"), pl.int_range(pl.len()) * 13),
        weight=pl.when(pl.int_range(pl.len()) % 7 == 0).then(float("inf")).otherwise("weight"),
    )
    fill(loop, odd)
    for feature in ("state", "weight"):
        found = _newest(loop, feature, method=method)
        # An identifier is new in every row, and was so in the reference.
        assert [s.state in (State.OK, State.NOT_APPLICABLE) for s in found] == [True], found


def test_a_column_that_changes_its_type_gets_new_bins(loop):
    fill(loop, predictions())
    before = _newest(loop, "weight")[0]
    changed = CHARTER.replace('name = "weight"\ntype = "number"', 'name = "weight"\ntype = "number"\nmax = 1000')
    again = loop.workspace.set_charter(changed, actor="ana", reason="range", as_of=END)
    assert _newest(again, "weight")[0].value == pytest.approx(before.value)


def test_rows_that_come_later_into_a_window_are_counted(loop):
    rows = predictions()
    fill(loop, rows.filter(~LATE))
    assert _newest(loop, "weight")[0].reason == "No row in this window."

    def arrive(tx: Transaction) -> None:
        tx.register("late", rows.filter(LATE).drop("chance").with_columns(model_version=pl.lit("old")))
        tx.execute(f"insert into {loop.table('predictions')} by name from late")

    loop.lake.write(arrive, actor="ana", message="late rows")
    assert _newest(loop, "weight")[0].n_current == 280


def test_fewer_rows_than_the_charter_asks_for_are_not_judged():
    bins, reference, counts = number(np.random.default_rng(5), 100, 1)
    assert _judged(bins, reference, counts, MonitorPlan(min_rows=101))[0] is State.TOO_FEW
    assert _judged(bins, reference[:1] * 0 + 3, counts)[0] is not State.ALARM
