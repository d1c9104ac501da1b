"""A model's scores made worse by a known amount in some rows: what a gate is tried on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from loop_core.compare.metrics import Pairs
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]
#: Noise beyond which scores say nothing any more; in log-odds, or in standard deviations of the numbers.
STRONGEST = 20.0
#: Steps of the bisection: the noise is found to a millionth of the strongest.
STEPS = 20


def harmed(pairs: Pairs, rows: npt.NDArray[np.int64], metric: str, amount: float, task: Task, seed: int) -> Pairs:
    """The same pairs with the challenger worse by `amount` in these rows, by noise on its scores.

    Args:
        pairs: the compared rows.
        rows: (m,) places of the rows that are harmed.
        metric: one of losses, for which less is better; over these rows it rises by `amount`.
        amount: in the metric's unit, > 0. Where no noise does so much, the strongest is taken.
        task: what the scores are.
        seed: of the noise.
    """
    inside, labels, loss = pairs.challenger[rows], pairs.labels[rows], ROW_LOSSES[metric]
    noise = np.random.default_rng(seed).standard_normal(inside.shape)
    shaken, before = _shaker(inside, task), _value(metric, loss(labels, inside))

    def rise(strength: float) -> float:
        return _value(metric, loss(labels, shaken(strength * noise))) - before

    low, high = 0.0, STRONGEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rise(middle) < amount else (low, middle)
    scores = pairs.challenger.copy()
    scores[rows] = shaken(high * noise)
    return Pairs(pairs.labels, pairs.champion, scores, pairs.units)


def _value(metric: str, losses: Floats) -> float:
    return float(of_mean(metric, losses.mean())[0])


def _shaker(scores: Floats, task: Task) -> Callable[[Floats], Floats]:
    """What adds noise to scores so that they stay scores of their kind."""
    if task is Task.REGRESSION:
        spread = float(scores.std()) or 1.0
        return lambda noise: scores + spread * noise
    if task is Task.MULTICLASS:
        logs = np.log(np.clip(scores, 1e-9, 1))
        return lambda noise: _shares(logs + noise)
    odds = np.log(np.clip(scores, 1e-9, 1 - 1e-9)) - np.log1p(-np.clip(scores, 1e-9, 1 - 1e-9))
    return lambda noise: np.asarray(1 / (1 + np.exp(-np.clip(odds + noise, -30, 30))))


def _shares(logs: Floats) -> Floats:
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
