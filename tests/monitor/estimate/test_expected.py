"""Expected metrics are what drawing labels from the chances gives, in the mean and in the spread."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from loop_core.errors import UnknownNameError
from loop_core.monitor.estimate import Rows, expected, fit_binary
from loop_core.monitor.estimate.isotonic import AS_THEY_ARE, fitted

METRICS = {
    "auc": lambda y, s: roc_auc_score(y, s),
    "average_precision": lambda y, s: average_precision_score(y, s),
    "log_loss": lambda y, s: log_loss(y, s),
    "brier": lambda y, s: brier_score_loss(y, s),
    "precision": lambda y, s: precision_score(y, s >= 0.5),
    "recall": lambda y, s: recall_score(y, s >= 0.5),
    "f1": lambda y, s: f1_score(y, s >= 0.5),
}


@pytest.mark.parametrize("metric", METRICS)
def test_value_and_band_are_those_of_drawn_windows(metric):
    rng = np.random.default_rng(0)
    pool = rng.beta(1.5, 2, 50_000)
    drawn = []
    for _ in range(300):
        scores = rng.choice(pool, 1_500)
        drawn.append(METRICS[metric]((rng.random(1_500) < scores).astype(int), scores))
    found = expected(metric, Rows.of(pool[:1_500], pool[:1_500]))
    whole = expected(metric, Rows.of(pool, pool))
    assert whole.value == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(300))
    assert found.se == pytest.approx(np.std(drawn), rel=0.2)


def test_rows_with_weights_are_so_many_rows():
    scores, weights = np.array([0.1, 0.4, 0.8]), np.array([5.0, 2.0, 3.0])
    for metric in (*METRICS, "accuracy", "specificity"):
        once = expected(metric, Rows.of(scores, scores, weights))
        each = expected(metric, Rows.of(np.repeat(scores, [5, 2, 3]), np.repeat(scores, [5, 2, 3])))
        assert (once.value, once.se) == pytest.approx((each.value, each.se))


def test_scores_are_calibrated_where_that_makes_them_truer_and_not_elsewhere():
    rng = np.random.default_rng(1)
    chances = rng.beta(1, 3, 20_000)
    labels = (rng.random(20_000) < chances).astype(float)
    bent = chances**3
    assert abs(fitted(bent, labels)(bent) - chances).mean() < 0.02
    assert fitted(chances[:0], labels[:0]) is AS_THEY_ARE
    assert fitted(chances, np.zeros(20_000)) is AS_THEY_ARE
    assert (
        fit_binary(np.full(500, 0.3), (rng.random(500) < 0.3).astype(float)).estimate("auc", np.full(50, 0.3)).value
        == 0.5
    )


def test_what_cannot_be_expected_is_none_and_unknown_names_are_named():
    assert expected("auc", Rows.of(np.array([0.2, 0.9]), np.zeros(2))) is None
    assert expected("precision", Rows.of(np.array([0.1]), np.array([0.1]))) is None
    assert fit_binary(np.array([0.5, 0.6]), np.array([0.0, 1.0])).estimate("brier", np.empty(0)) is None
    with pytest.raises(UnknownNameError, match="log_loss"):
        expected("lift", Rows.of(np.array([0.1]), np.array([0.1])))
