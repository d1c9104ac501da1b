"""The domain classifier: chance where nothing changed, the feature where something did, and what single features miss."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from loop_core.charter import Column
from loop_core.monitor.drift import domain_classifier
from loop_core.monitor.drift.domain import separate
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
COLUMNS = [Column(name="a", type="number"), Column(name="b", type="number"), Column(name="c", type="category")]


def _frame(n: int, seed: int, together: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.multivariate_normal([0, 0], [[1, together], [together, 1]], n).T
    return pl.DataFrame({"a": a, "b": b, "c": rng.choice(["x", "y"], n)})


def test_equal_windows_cannot_be_told_apart():
    aucs = [separate(_frame(1_500, k), _frame(800, k + 100), COLUMNS).auc for k in range(4)]
    assert abs(np.mean(aucs) - 0.5) < 0.03
    assert sum(separate(_frame(1_500, k), _frame(800, k + 50), COLUMNS).state is State.WATCH for k in range(4)) <= 1


def test_features_that_stop_going_together_are_seen():
    found = separate(_frame(1_500, 0, 0.9), _frame(800, 1, -0.9), COLUMNS)
    assert found.auc > 0.9
    assert found.ci_low < found.auc < found.ci_high
    assert {name for name, _ in found.features[:2]} == {"a", "b"}
    assert np.isclose(sum(share for _, share in found.features), 1)


def test_few_rows_no_features_and_odd_columns_are_outcomes():
    few = separate(_frame(1_500, 0), _frame(20, 1), COLUMNS)
    assert (few.auc, few.state) == (None, State.TOO_FEW)
    assert "20" in few.reason
    assert separate(_frame(100, 0), _frame(100, 1), []).reason == "There is no feature."
    odd = _frame(200, 2).with_columns(a=pl.lit(None, dtype=pl.Float64), b=pl.lit(float("inf")), c=pl.lit("x"))
    assert separate(odd, odd, COLUMNS).auc == 0.5


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
