"""Rolling-origin folds with an embargo: validate on what comes later, train on what had matured by then.

A fold's training rows are all predicted at least one label horizon before its validation block starts; otherwise
its labels would partly be decided during the block, and tuning would see what no model could have known
(López de Prado 2018, *Advances in Financial Machine Learning*, ch. 7; Hyndman & Athanasopoulos, ch. 5.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_DAY = 86_400_000_000  # microseconds
MIN_TRAIN, MIN_VALID, MIN_CLASS = 100, 50, 5


@dataclass(frozen=True)
class Fold:
    """Positions in rows sorted by time."""

    train_stop: int
    """Training rows are 0 … train_stop − 1."""
    valid_start: int
    valid_stop: int
    """Validation rows are valid_start … valid_stop − 1."""


def rolling_folds(
    at: npt.NDArray[np.int64], y: npt.NDArray[np.float64] | None, *, folds: int, block_days: float, embargo_days: float
) -> tuple[Fold, ...]:
    """The newest `folds` validation blocks that the span of the data can carry.

    Blocks are `block_days` long, or shorter where the span is short: at most (span − embargo) / (folds + 2), so the
    oldest fold still trains on at least two blocks. If then any fold has fewer than 100 training or 50
    validation rows, or fewer than 5 of any label in one of them, one fold fewer is tried; none may be left,
    and then nothing can be validated. The embargo is never shortened.

    Args:
        at: (n_rows,) `predicted_at` in microseconds, ascending.
        y: (n_rows,) labels, each a whole number; None: numbers without classes.
        folds, block_days, embargo_days: as wanted.

    Returns:
        Folds, oldest first; empty when the span is too short.
    """
    for count in range(folds, 0, -1):
        found = _folds(at, count, block_days * _DAY, embargo_days * _DAY)
        if found and all(_usable(y, fold) for fold in found):
            return found
    return ()


def _folds(at: npt.NDArray[np.int64], count: int, block: float, embargo: float) -> tuple[Fold, ...]:
    end = int(at[-1]) + 1
    length = int(min(block, (end - int(at[0]) - embargo) / (count + 2)))
    if length <= 0:
        return ()
    starts = [end - (count - index) * length for index in range(count)]
    return tuple(
        Fold(
            train_stop=int(at.searchsorted(start - int(embargo))),
            valid_start=int(at.searchsorted(start)),
            valid_stop=int(at.searchsorted(start + length)),
        )
        for start in starts
    )


def _usable(y: npt.NDArray[np.float64] | None, fold: Fold) -> bool:
    import numpy as np

    if fold.train_stop < MIN_TRAIN or fold.valid_stop - fold.valid_start < MIN_VALID:
        return False
    if y is None:
        return True
    parts = y[: fold.train_stop], y[fold.valid_start : fold.valid_stop]
    codes = np.unique(y)
    return len(codes) > 1 and all(np.count_nonzero(part == code) >= MIN_CLASS for part in parts for code in codes)
