"""How much each training row counts: by age, by cohort, by class, as the charter says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from loop_core.charter import Charter
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

_DAY = 86_400_000_000  # microseconds


def weights_of(charter: Charter, frame: pl.DataFrame) -> npt.NDArray[np.float64] | None:
    """(n_rows,) weights with mean 1; None: every row counts the same.

    A row `half_life_days` older than the newest counts half; a cohort's rows count as `cohort_weights` says, several of
    them multiplied; with `balanced`, every class has the same weight in all.

    Args:
        charter: its `[retrain]`.
        frame: (n_rows, …) `predicted_at`, `label` and one column `cohort_<name>` for each declared cohort.
    """
    plan, parts = charter.retrain, []
    if plan.half_life_days is not None:
        parts.append(_by_age(frame, plan.half_life_days))
    parts += [_by_cohort(frame, name, weights) for name, weights in plan.cohort_weights.items()]
    if plan.balanced and charter.loop.task is not Task.REGRESSION:
        parts.append(_by_class(frame))
    if not parts:
        return None
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    mean: npt.NDArray[np.float64] = product / product.mean()
    return mean


def _by_age(frame: pl.DataFrame, half_life_days: float) -> npt.NDArray[np.float64]:
    moments = frame["predicted_at"].dt.epoch("us").to_numpy()
    weights: npt.NDArray[np.float64] = 0.5 ** ((moments.max() - moments) / (half_life_days * _DAY))
    return weights


def _by_cohort(frame: pl.DataFrame, name: str, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
    import polars as pl

    found = frame[f"cohort_{name}"].replace_strict(dict(weights), default=1.0, return_dtype=pl.Float64)
    return found.to_numpy()


def _by_class(frame: pl.DataFrame) -> npt.NDArray[np.float64]:
    import numpy as np

    _, codes, counts = np.unique(frame["label"].to_numpy(), return_inverse=True, return_counts=True)
    weights: npt.NDArray[np.float64] = (len(codes) / len(counts) / counts)[codes]
    return weights
