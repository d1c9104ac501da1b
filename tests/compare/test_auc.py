"""DeLong by mid-ranks: equal to the dense definition, and its intervals hold what they promise."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from loop_core.compare import NotEstimable, Pairs, Units, estimate
from tests.compare.worlds import SEPARATION, two_models


def auc_difference(labels, champion, challenger, units=None):
    return estimate("auc", Pairs(labels, champion, challenger, units or Units(None, len(labels))))


def _dense(labels, champion, challenger):
    """DeLong 1988 as written: every positive against every negative."""
    components = []
    for scores in (champion, challenger):
        up, down = scores[labels == 1][:, None], scores[labels == 0][None, :]
        beats = (up > down) + 0.5 * (up == down)
        components.append((beats.mean(), beats.mean(axis=1), beats.mean(axis=0)))
    (a1, up1, down1), (a2, up2, down2) = components
    s10, s01 = np.cov(up1, up2), np.cov(down1, down2)
    s = s10 / len(up1) + s01 / len(down1)
    return a1, a2, np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])


@pytest.mark.parametrize("ties", [False, True])
def test_parity_with_the_dense_definition(ties):
    labels, champion, challenger = two_models(np.random.default_rng(1), 700)
    if ties:
        champion, challenger = champion.round(1), challenger.round(1)
    found = auc_difference(labels, champion, challenger)
    a1, a2, se = _dense(labels, champion, challenger)
    assert found.champion == pytest.approx(a1, abs=1e-12)
    assert found.challenger == pytest.approx(a2, abs=1e-12)
    assert found.difference == pytest.approx(a2 - a1, abs=1e-12)
    assert found.se == pytest.approx(se, abs=1e-12)


@pytest.mark.parametrize(("n", "prevalence", "repeats"), [(500, 0.3, 2000), (5000, 0.3, 1000), (2000, 0.02, 2000)])
def test_the_interval_covers_the_truth(n, prevalence, repeats):
    areas = [NormalDist().cdf(s / 2**0.5) for s in SEPARATION]
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(repeats):
        found = auc_difference(*two_models(rng, n, prevalence))
        hits += found.ci_low <= areas[1] - areas[0] <= found.ci_high
    assert 0.935 <= hits / repeats <= 0.965


def test_repeating_every_row_does_not_make_the_interval_narrower_when_entities_are_known():
    labels, champion, challenger = two_models(np.random.default_rng(2), 600)
    once = auc_difference(labels, champion, challenger)
    twice = [np.repeat(x, 3) for x in (labels, champion, challenger)]
    naive = auc_difference(*twice)
    clustered = auc_difference(*twice, Units.of(np.repeat(np.arange(600), 3).tolist(), 1800))
    assert clustered.se == pytest.approx(once.se, rel=0.01)
    assert naive.se < 0.6 * once.se


def test_one_class_and_too_few_of_a_class_have_a_reason():
    scores = np.linspace(0, 1, 100)
    one_class = auc_difference(np.zeros(100), scores, scores)
    assert isinstance(one_class, NotEstimable)
    assert "needs both classes" in one_class.reason
    few = np.zeros(100)
    few[:9] = 1
    found = auc_difference(few, scores, scores)
    assert isinstance(found, NotEstimable)
    assert "9 rows" in found.reason
    assert found.champion == 0.0


def test_constant_scores_are_a_coin_flip():
    labels = np.tile([0.0, 1.0], 50)
    found = auc_difference(labels, np.full(100, 0.5), np.full(100, 0.5))
    assert (found.champion, found.difference, found.se) == (0.5, 0.0, 0.0)
