"""Domain classifier: can a model tell this window's rows from the reference's, and by which features? It sees what
single features do not show, such as two that stop going together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Column
from loop_core.errors import NotReadyError
from loop_core.models import Encoding
from loop_core.monitor.drift.rows import Cut, rows_of
from loop_core.monitor.profiles import Counts, reference_span
from loop_core.monitor.roc import auc_with_error
from loop_core.vocabulary import State
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: At most this many rows a side; the AUC of twice 10,000 rows has an interval of ± 0.008.
ROWS = 10_000
FOLDS, ROUNDS = 5, 40


@dataclass(frozen=True)
class DomainResult:
    """How well the window can be told from the reference."""

    auc: float | None
    """0.5: not at all; 1: every row. Of rows that the classifier did not learn from. None: too few rows."""
    ci_low: float | None
    """95 % interval (DeLong)."""
    ci_high: float | None
    features: tuple[tuple[str, float], ...]
    """(feature, share of what separates the two), largest first; the shares add up to 1."""
    n_reference: int
    """Rows of the reference that were used."""
    n_current: int
    state: State
    """`watch`: the interval lies above 0.5; `ok`; `too_few`."""
    reason: str = ""
    """Why it cannot be told; empty: it can."""


def domain_classifier(
    loop: Loop,
    as_of: datetime,
    *,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
    seed: int = 0,
) -> DomainResult:
    """Cross-validated AUC of a gradient-boosted classifier between a window and the reference.

    Args:
        window_start, window_end: the window, end exclusive; the reference is never part of it.
        cohort, cohort_value: rows of one cohort value on both sides; None: everybody.
        seed: of the samples (at most 10,000 rows a side) and folds.

    Raises:
        UnknownNameError: no such cohort.
        NotReadyError: there is no reference.
    """
    span = reference_span(loop, as_of)
    if span is None:
        raise NotReadyError("There is no reference period yet", "predictions", "bring in predictions first")
    columns = [c for c in loop.charter.features if c.type in ("number", "category", "flag")]
    names = [column.name for column in columns]
    usual = rows_of(loop, as_of, Cut(*span, cohort, cohort_value), names, ROWS, seed)
    now = rows_of(loop, as_of, Cut(window_start, window_end, cohort, cohort_value), names, ROWS, seed)
    return separate(usual, now, columns, min_rows=loop.charter.monitor.min_rows, seed=seed)


def separate(
    reference: pl.DataFrame, current: pl.DataFrame, columns: list[Column], *, min_rows: int = 50, seed: int = 0
) -> DomainResult:
    """The same between two frames that have the columns.

    Source: Rabanser, Günnemann & Lipton 2019, "Failing Loudly"; Lopez-Paz & Oquab 2017, "Revisiting classifier
    two-sample tests".
    """
    import polars as pl

    sizes = (reference.height, current.height)
    if min(sizes) < max(min_rows, 2 * FOLDS) or not columns:
        few = f"{sizes[0]:,} rows against {sizes[1]:,}; {max(min_rows, 2 * FOLDS)} are needed on both sides."
        return DomainResult(None, None, None, (), *sizes, State.TOO_FEW, few if columns else "There is no feature.")
    both = pl.concat([reference, current], how="vertical_relaxed")
    encoding = Encoding.fit(tuple(columns), both)
    labels = np.repeat([0.0, 1.0], sizes)
    scores, gains = _cross_validated(encoding, encoding.transform(both), labels, seed)
    auc, error, _ = auc_with_error(labels, scores) or (float("nan"), float("nan"), 0.0)
    low, high = max(0.0, auc - 1.96 * error), min(1.0, auc + 1.96 * error)
    shares = gains / gains.sum() if gains.sum() > 0 else np.full(len(gains), 1 / len(gains))
    ordered = sorted(zip(encoding.names, map(float, shares), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return DomainResult(auc, low, high, tuple(ordered), *sizes, State.WATCH if low > 0.5 else State.OK)


def _cross_validated(encoding: Encoding, numbers: Counts, labels: Counts, seed: int) -> tuple[Counts, Counts]:
    """(n,) scores of rows by models that did not see them, and (features,) total gain."""
    import lightgbm

    folds = _folds(labels, seed)
    scores, gains = np.zeros(len(labels)), np.zeros(numbers.shape[1])
    parameters = {
        "objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": max(5, len(labels) // 200),
        # Both sides weigh the same, so that folds with more rows of one side do not score lower because of it.
        "boost_from_average": False, "is_unbalance": True, "num_threads": 1, "seed": seed, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    for fold in range(FOLDS):
        kept = folds != fold
        rows = lightgbm.Dataset(
            numbers[kept], labels[kept], categorical_feature=encoding.categorical or "auto", params={"verbosity": -1}
        )
        booster = lightgbm.train(parameters, rows, ROUNDS)
        scores[~kept] = booster.predict(numbers[~kept], num_threads=1)
        gains += booster.feature_importance("gain")
    return scores, gains


def _folds(labels: Counts, seed: int) -> npt.NDArray[np.int64]:
    """(n,) fold of each row, with both sides in proportion."""
    rng, folds = np.random.default_rng(seed), np.zeros(len(labels), dtype=np.int64)
    for side in (labels > 0.5, labels < 0.5):
        folds[side] = rng.permutation(int(side.sum())) % FOLDS
    return folds
