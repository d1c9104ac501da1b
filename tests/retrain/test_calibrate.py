"""Calibration is fitted on the past and kept only where it holds on newer rows."""

from __future__ import annotations

import numpy as np
import pytest

from loop_core.models import Calibration
from loop_core.retrain.calibrate import choose_calibration, fit_isotonic, fit_platt

Part = tuple[np.ndarray, np.ndarray]


def fold(seed: int, n: int = 4000, bend: float = 1.0, shift: float = 0.0) -> Part:
    """Labels drawn from probabilities, and scores whose logit is bent and shifted away from them."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1, 1.2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    return y, 1 / (1 + np.exp(-(logit * bend + shift)))


def test_platt_finds_the_map_that_bent_the_scores() -> None:
    found = fit_platt(*fold(0, 100_000, bend=2.0, shift=1.0))
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.intercept == pytest.approx(-0.5, abs=0.03)


def test_scores_that_are_right_are_left_alone() -> None:
    assert choose_calibration([fold(seed) for seed in range(3)]) == Calibration()


def test_bent_scores_are_mended() -> None:
    folds = [fold(seed, bend=2.5) for seed in range(3)]
    found = choose_calibration(folds)
    assert found.method in ("platt", "isotonic")
    y, raw = fold(7, bend=2.5)
    assert abs(found.apply(raw).mean() - y.mean()) < 0.02


def test_one_fold_cannot_judge_a_map() -> None:
    assert choose_calibration([fold(0, bend=3.0)]) == Calibration()


def test_a_model_that_is_backwards_is_not_turned_around() -> None:
    y, raw = fold(0)
    assert fit_platt(y, 1 - raw) == Calibration()


def test_constant_scores_do_not_break_the_fit() -> None:
    y, _ = fold(0, 500)
    found = fit_platt(y, np.full(500, 0.3))
    assert found.method in ("identity", "platt")
    assert np.isfinite(found.apply(np.array([0.1, 0.9]))).all()


def test_isotonic_never_says_never() -> None:
    y, raw = np.array([0.0] * 50 + [1.0] * 50), np.linspace(0, 1, 100)
    mapped = fit_isotonic(y, raw).apply(np.array([0.0, 1.0]))
    assert 0 < mapped[0] < mapped[1] < 1
