"""The domain classifier: chance where nothing changed, the feature where something did, and what single features miss."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from loop_core.charter import Column
from loop_core.monitor.drift import domain_classifier
from loop_core.monitor.drift.domain import LEVEL, separate
from loop_core.monitor.profiles import NumberBins
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.drift.simulated import series, verdicts_of
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
COLUMNS = [Column(name="a", type="number"), Column(name="b", type="number"), Column(name="c", type="category")]


def _frame(n: int, seed: int, together: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.multivariate_normal([0, 0], [[1, together], [together, 1]], n).T
    return pl.DataFrame({"a": a, "b": b, "c": rng.choice(["x", "y"], n)})


def _windows(count: int, n: int, seed: int, together: float = 0.5) -> list[pl.DataFrame]:
    return [_frame(n, 1_000 * seed + k, together) for k in range(count)]


def test_quiet_windows_are_told_apart_as_rarely_as_promised():
    found = [separate(_windows(5, 120, k), _frame(120, k, 0.5), COLUMNS, seed=k) for k in range(1, 17)]
    p_values = np.array([one.p_value for one in found])
    # Folds taken for independent called a tenth of quiet windows different. Of 16, three of a fortieth are one in 140.
    assert (p_values <= LEVEL).sum() <= 2
    assert 0.2 < (p_values <= 0.5).mean() < 0.8
    assert all((one.state is State.WATCH) == (one.auc > one.threshold) for one in found)


def test_features_that_stop_going_together_are_seen_though_neither_moves_alone():
    found = separate(_windows(5, 300, 1, 0.9), _frame(300, 7, 0.0), COLUMNS)
    assert found.state is State.WATCH
    assert found.auc > found.threshold > 0.5
    assert found.p_value < 0.01
    assert found.ci_low < found.auc < found.ci_high
    assert {name for name, _ in found.features[:2]} == {"a", "b"}
    assert np.isclose(sum(share for _, share in found.features), 1)
    rng = np.random.default_rng(2)
    bins = NumberBins.learn(np.quantile(rng.normal(size=3_000), np.arange(1, 20) / 20))
    counts = [bins.histogram(frame["a"].to_numpy()) for frame in [*_windows(5, 300, 1, 0.9), _frame(300, 7, 0.0)]]
    alone = verdicts_of([series("a", bins, np.array(counts[:-1]), np.array(counts[-1:]))])
    assert alone.said(0) == [(State.OK, "")]


def test_windows_that_swing_must_differ_by_more_than_that():
    rng = np.random.default_rng(4)
    swung = [_frame(200, k).with_columns(pl.col("a") + 0.7 * rng.normal()) for k in range(9)]
    still = [_frame(200, k) for k in range(8)]
    now = swung[-1].with_columns(pl.col("a") - swung[-1]["a"].mean() + 0.8)
    assert separate(still, now, COLUMNS).state is State.WATCH
    assert separate(swung[:-1], now, COLUMNS).state is State.OK


def test_few_rows_few_windows_no_features_and_odd_columns_are_outcomes():
    few = separate(_windows(5, 300, 0), _frame(20, 1), COLUMNS)
    assert (few.auc, few.state) == (None, State.TOO_FEW)
    assert "20" in few.reason
    one = separate([_frame(900, 0)], _frame(300, 1), COLUMNS)
    assert (one.state, one.threshold, "fewer than 4 windows" in one.reason) == (State.TOO_FEW, None, True)
    assert one.auc is not None
    assert separate(_windows(1, 100, 0), _frame(100, 1), []).reason == "There is no feature."
    odd = _frame(200, 2).with_columns(a=pl.lit(None, dtype=pl.Float64), b=pl.lit(float("inf")), c=pl.lit("x"))
    assert separate([odd] * 5, odd, COLUMNS).auc == 0.5


def test_a_window_of_a_loop(loop):
    late = pl.col("predicted_at") >= END - timedelta(days=7)
    rows = predictions().with_columns(price=pl.when(late).then(pl.col("price") * 3).otherwise("price"))
    window = {"window_start": END - timedelta(days=7), "window_end": END}
    found = domain_classifier(fill(loop, rows), END, **window)
    assert found.auc > 0.85
    assert found.features[0][0] == "price"
    assert (found.n_current, found.state) == (280, State.WATCH)
    assert domain_classifier(loop, END, **window) == found
    in_sp = domain_classifier(loop, END, **window, cohort="state", cohort_value="SP")
    assert in_sp.n_current < 200
