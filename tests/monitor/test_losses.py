"""Point values agree with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from loop_core.monitor.losses import brier_losses, log_losses
from loop_core.monitor.roc import auc_with_error, placements


@pytest.fixture
def scored():
    rng = np.random.default_rng(5)
    labels = (rng.random(5000) < 0.2).astype(float)
    scores = np.clip(rng.beta(1, 4, 5000) + 0.2 * labels, 0, 1).round(3)
    scores[:3] = 0.0, 1.0, 0.0
    labels[:3] = 1.0, 0.0, 0.0
    return labels, scores


def test_parity_with_scikit_learn(scored):
    assert log_losses(*scored).mean() == pytest.approx(log_loss(*scored), abs=1e-12)
    assert brier_losses(*scored).mean() == pytest.approx(brier_score_loss(*scored), abs=1e-12)
    assert placements(*scored).auc == pytest.approx(roc_auc_score(*scored), abs=1e-12)
    assert auc_with_error(*scored)[0] == pytest.approx(roc_auc_score(*scored), abs=1e-12)


def test_no_auc_without_enough_rows_of_both_classes(scored):
    _, scores = scored
    assert auc_with_error(np.zeros(50), scores[:50]) is None
    assert auc_with_error(np.r_[np.ones(9), np.zeros(41)], scores[:50]) is None
