"""What the search may choose, what it may not, and where it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

#: Trees a trial may grow; early stopping on the validation block usually ends far before.
MAX_ROUNDS = 300
EARLY_STOPPING = 12

#: LightGBM's own defaults with a calmer learning rate: the first model, and a start for the search.
DEFAULTS: dict[str, float | int] = {
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.9,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
}
#: name → (low, high, on a log scale); whole numbers where both ends are.
Ranges = Mapping[str, tuple[float, float, bool]]
RANGES: Ranges = {
    "learning_rate": (0.04, 0.3, True),
    "num_leaves": (4, 48, True),
    "min_data_in_leaf": (10, 300, True),
    "feature_fraction": (0.4, 1.0, False),
    "bagging_fraction": (0.5, 1.0, False),
    "lambda_l2": (0.01, 30.0, True),
    "cat_smooth": (5.0, 100.0, True),
}


def fixed_params(learning: Mapping[str, Any], seed: int, monotone: Sequence[int]) -> dict[str, Any]:
    """Parameters that no trial changes: those that fix the bins, and those that make equal runs equal bytes.

    Args:
        learning: objective and metric, see `learning_of`.
        seed: of bagging and feature sampling.
        monotone: for each feature +1, −1 or 0.
    """
    fixed: dict[str, Any] = {
        **learning,
        "verbosity": -1,
        "deterministic": True,
        "force_row_wise": True,
        # One thread a model, and folds side by side: OpenMP threads that wait for one another on a shared
        # machine are slower than none.
        "num_threads": 1,
        "feature_pre_filter": False,  # lets trials change min_data_in_leaf on the same bins
        "max_bin": 127,
        "bagging_freq": 1,
        "seed": seed,
    }
    if any(monotone):
        fixed["monotone_constraints"] = list(monotone)
    return fixed


def ranges_of(charter: Charter) -> Ranges:
    """The ranges of a loop: the charter's, and `RANGES` for what it does not name."""
    named = charter.retrain.space.named
    return {name: (*named.get(name, (low, high)), log) for name, (low, high, log) in RANGES.items()}


def distributions(ranges: Ranges = RANGES) -> dict[str, BaseDistribution]:
    """Ranges as Optuna distributions."""
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        name: IntDistribution(low, high, log=log)
        if isinstance(low, int) and isinstance(high, int)
        else FloatDistribution(low, high, log=log)
        for name, (low, high, log) in ranges.items()
    }


def inside(params: Mapping[str, Any], ranges: Ranges = RANGES) -> dict[str, float | int]:
    """The searched part of a model's parameters, moved into the ranges; what it lacks comes from `DEFAULTS`."""
    found: dict[str, float | int] = {}
    for name, (low, high, _) in ranges.items():
        value = min(max(params.get(name, DEFAULTS[name]), low), high)
        found[name] = int(value) if isinstance(low, int) else float(value)
    return found


def searched(params: Mapping[str, Any]) -> dict[str, float | int]:
    """The searched part of a model's parameters, as it was."""
    return {name: params[name] for name in RANGES if name in params}
