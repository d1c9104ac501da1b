"""Folds: always later than their training rows by the embargo, fewer when the span is short, never leaking."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.retrain.folds import MIN_CLASS, MIN_TRAIN, MIN_VALID, Fold, rolling_folds

DAY = 86_400_000_000


def span(days: float, rows: int, rate: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.sort(rng.integers(0, int(days * DAY), rows)), (rng.random(rows) < rate).astype(float)


@settings(max_examples=200)
@given(
    days=st.floats(1, 500),
    rows=st.integers(2, 3000),
    rate=st.floats(0, 1),
    folds=st.integers(1, 6),
    block=st.floats(1, 60),
    embargo=st.floats(0.5, 200),
    seed=st.integers(0, 5),
)
def test_no_training_row_is_within_the_embargo_of_its_validation_block(
    days: float, rows: int, rate: float, folds: int, block: float, embargo: float, seed: int
) -> None:
    at, y = span(days, rows, rate, seed)
    found = rolling_folds(at, y, folds=folds, block_days=block, embargo_days=embargo)
    assert len(found) <= folds
    for fold in found:
        assert at[fold.train_stop - 1] < at[fold.valid_start] - int(embargo * DAY)
        assert fold.train_stop >= MIN_TRAIN
        assert fold.valid_stop - fold.valid_start >= MIN_VALID
        assert MIN_CLASS <= y[: fold.train_stop].sum() <= fold.train_stop - MIN_CLASS
    for older, newer in pairwise(found):
        assert older.valid_stop == newer.valid_start
    if found:
        assert found[-1].valid_stop == rows


def test_a_long_span_carries_every_fold_with_blocks_as_asked() -> None:
    at, y = span(365, 5000)
    found = rolling_folds(at, y, folds=3, block_days=28, embargo_days=45)
    assert [round((at[f.valid_stop - 1] - at[f.valid_start]) / DAY) for f in found] == [28, 28, 28]


def test_a_short_span_has_shorter_blocks_then_fewer_folds_then_none() -> None:
    at, y = span(90, 3000)
    short = rolling_folds(at, y, folds=3, block_days=28, embargo_days=45)
    assert len(short) == 3
    assert (at[short[0].valid_stop - 1] - at[short[0].valid_start]) / DAY < 9.5
    at, y = span(90, 480)
    assert 0 < len(rolling_folds(at, y, folds=3, block_days=28, embargo_days=45)) < 3
    at, y = span(40, 3000)
    assert rolling_folds(at, y, folds=3, block_days=28, embargo_days=45) == ()


def test_one_class_in_a_block_is_no_fold() -> None:
    at, y = span(365, 5000)
    y[at > 300 * DAY] = 0
    assert rolling_folds(at, y, folds=3, block_days=20, embargo_days=14) == ()


def test_two_folds_by_hand() -> None:
    at = np.arange(1000) * DAY // 10
    y = np.tile([0.0, 1.0], 500)
    found = rolling_folds(at, y, folds=2, block_days=20, embargo_days=10)
    assert found == (Fold(500, 600, 800), Fold(700, 800, 1000))
