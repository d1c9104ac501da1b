"""How long one fit of all rows will take, timed on some of them, before a budget that cannot pay for it is spent."""

from __future__ import annotations

import math
import time

from loop_core.errors import NotReadyError
from loop_core.figures import numbers_apart
from loop_core.retrain.apart import Apart, TrialFailedError
from loop_core.retrain.clock import Clock
from loop_core.retrain.fit import UNVALIDATED_ROUNDS
from loop_core.retrain.objective import Objective, dataset
from loop_core.retrain.search import Budget, Params

#: Rows that are timed; a fit of no more of them takes a moment, and is not timed.
TIMED_ROWS = 50_000
TIMED_TREES = 5


def check_fit_time(apart: Apart, params: Params, budget: Budget, clock: Clock) -> float:
    """Seconds that one fit of all rows is expected to take; 0 where there are few.

    Bins and trees are timed on every k-th row and taken to grow in proportion to the rows.

    Args:
        apart: the process of the trials; it fits the model in the end too.
        params: those that are tried first.
        budget: of the whole retrain.
        clock: what is left of it.

    Raises:
        NotReadyError: it is more than what is left.
    """
    training = apart.evaluator.training if isinstance(apart.evaluator, Objective) else None
    if training is None or training.n_rows <= TIMED_ROWS:
        return 0.0
    try:
        seconds = apart.call(timed_fit, dict(params), watch=clock.watch())
    except TrialFailedError:
        return 0.0  # memory that is short is told by what needs it: the trials and the fit
    if seconds > clock.left:
        left = max(0.0, clock.left)
        # Beside one another a fit that takes longer than what is left must not read the same.
        fit, rest, whole = numbers_apart(seconds, left, budget.seconds, digits=0)
        enough = math.ceil(budget.seconds - clock.left + 2 * seconds)
        raise NotReadyError(
            f"One fit of {training.n_rows:,} rows takes about {fit} s, and {rest} s of the "
            f"{whole} s are left after reading them",
            "",
            f"give at least {enough:,} s (retrain.seconds), or lower retrain.window_days",
        )
    return seconds


def timed_fit(objective: Objective, params: Params) -> float:
    """Expected seconds of a fit of all rows with as many trees as an unvalidated model has."""
    import lightgbm as lgb

    training = objective.training
    step = -(-training.n_rows // TIMED_ROWS)
    x, y = training.x[::step], training.y[::step]
    begun = time.perf_counter()
    data = dataset(x, y, training, objective.fixed)
    binned = time.perf_counter()
    lgb.train({**objective.fixed, **params}, data, TIMED_TREES)
    per_tree = (time.perf_counter() - binned) / TIMED_TREES
    return (binned - begun + per_tree * UNVALIDATED_ROUNDS) * training.n_rows / len(y)
