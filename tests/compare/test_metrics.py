"""Values of metrics are scikit-learn's, group by group."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from loop_core.compare import Estimate, estimates
from loop_core.compare.groups import Grouping
from tests.compare.worlds import pairs_of, terms_at

PREVALENCE = 0.3
TERMS = terms_at(PREVALENCE)


def _called(scores):
    return scores >= TERMS.threshold


def _cost(y, s):
    return np.mean(np.where(_called(s), TERMS.false_alarm * (1 - y), TERMS.miss * y))


REFERENCE = {
    "log_loss": lambda y, s: sk.log_loss(y, s),
    "brier": lambda y, s: sk.brier_score_loss(y, s),
    "auc": lambda y, s: sk.roc_auc_score(y, s),
    "average_precision": lambda y, s: sk.average_precision_score(y, s),
    "accuracy": lambda y, s: sk.accuracy_score(y, _called(s)),
    "precision": lambda y, s: sk.precision_score(y, _called(s)),
    "recall": lambda y, s: sk.recall_score(y, _called(s)),
    "f1": lambda y, s: sk.f1_score(y, _called(s)),
    "cost": _cost,
    "macro_f1": lambda y, s: sk.f1_score(y, s.argmax(axis=1), average="macro"),
    "mae": lambda y, s: sk.mean_absolute_error(y, s),
    "mse": lambda y, s: sk.mean_squared_error(y, s),
    "rmse": lambda y, s: sk.root_mean_squared_error(y, s),
    "bias": lambda y, s: np.mean(s - y),
    "pinball": lambda y, s: sk.mean_pinball_loss(y, s, alpha=TERMS.quantile),
}


@pytest.mark.parametrize("metric", REFERENCE)
def test_values_are_those_of_scikit_learn(metric):
    rng = np.random.default_rng(4)
    pairs = pairs_of(metric, rng, 6000, PREVALENCE, False)
    codes = rng.integers(0, 3, 6000)
    if pairs.champion.ndim == 1:
        # Ties are where implementations part.
        object.__setattr__(pairs, "champion", pairs.champion.round(2))
    for k, found in enumerate(estimates(metric, pairs, Grouping("c", ("a", "b", "c"), codes), TERMS)):
        assert isinstance(found, Estimate)
        mine = codes == k
        assert found.champion == pytest.approx(REFERENCE[metric](pairs.labels[mine], pairs.champion[mine]), abs=1e-12)
        assert found.challenger == pytest.approx(
            REFERENCE[metric](pairs.labels[mine], pairs.challenger[mine]), abs=1e-12
        )


def test_calibration_error_is_the_root_of_squared_gaps_less_their_noise():
    pairs = pairs_of("ece", np.random.default_rng(4), 6000, PREVALENCE, False)
    bins = np.clip(np.digitize(pairs.champion, np.arange(0.1, 1, 0.1)), 0, 9)
    expected = 0.0
    for rows in (bins == b for b in range(10)):
        gaps = (pairs.labels - pairs.champion)[rows]
        # The noise of a sum of rows that each fall into the bin or do not.
        noise = 6000 / 5999 * ((gaps**2).sum() - gaps.sum() ** 2 / 6000) / 6000
        expected += (gaps.sum() ** 2 / 6000 - noise) / rows.sum()
    found = estimates("ece", pairs, Grouping(None, (None,), np.zeros(6000, dtype=int)), TERMS)[0]
    assert found.champion == pytest.approx(np.sqrt(max(expected, 0)), abs=1e-12)
