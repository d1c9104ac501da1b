"""Simulated worlds whose truth is known: two models that score the same rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from loop_core.charter import METRICS_OF
from loop_core.compare import Pairs, Terms, Units, estimate
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]

#: Separation of the two classes by champion and challenger, in standard deviations.
SEPARATION = (1.0, 1.2)
#: Rows of one entity, where entities repeat.
ROWS_EACH = 5
#: Share of the variance of noise and of the leaning towards a class that rows of one entity have in common.
SHARED = 0.4


def two_models(
    rng: np.random.Generator, n: int, prevalence: float = 0.3, clustered: bool = False
) -> tuple[Floats, Floats, Floats]:
    """(labels, champion, challenger) with correlated scores in (0, 1); AUC is Φ(separation / √2)."""
    labels = (_uniform(rng, n, clustered) < prevalence).astype(np.float64)
    shared = _noise(rng, n, clustered)
    scores = []
    for separation in SEPARATION:
        x = separation * labels + 0.8 * shared + 0.6 * _noise(rng, n, clustered)
        logit = separation * x - separation**2 / 2 + np.log(prevalence / (1 - prevalence))
        scores.append(1 / (1 + np.exp(-logit)))
    return labels, scores[0], scores[1]


def numbers(rng: np.random.Generator, n: int, clustered: bool = False) -> tuple[Floats, Floats, Floats]:
    """(labels, champion, challenger) of a skewed number; the challenger is less biased, with smaller errors."""
    level = np.exp(0.5 * _noise(rng, n, clustered))
    shared = _noise(rng, n, clustered)
    champion = level + 0.3 + 0.5 * (0.8 * shared + 0.6 * _noise(rng, n, clustered))
    challenger = level - 0.2 + 0.4 * (0.8 * shared + 0.6 * _noise(rng, n, clustered))
    return level + 0.3 * _noise(rng, n, clustered), champion, challenger


def three_classes(
    rng: np.random.Generator, n: int, rarest: float = 0.2, clustered: bool = False
) -> tuple[Floats, Floats, Floats]:
    """(labels, champion, challenger) with (n, 3) probabilities."""
    shares = np.array([rarest, (1 - rarest) / 2, (1 - rarest) / 2])
    labels = np.searchsorted(np.cumsum(shares)[:-1], _uniform(rng, n, clustered)).astype(np.float64)
    shared, scores = np.stack([_noise(rng, n, clustered) for _ in shares], axis=1), []
    for separation in SEPARATION:
        own = np.stack([_noise(rng, n, clustered) for _ in shares], axis=1)
        x = separation * (labels[:, None] == np.arange(3)) + 0.8 * shared + 0.6 * own
        raised = np.exp(separation * x + np.log(shares))
        scores.append(raised / raised.sum(axis=1, keepdims=True))
    return labels, scores[0], scores[1]


def task_of(metric: str) -> Task:
    """The task a metric is tried on."""
    return next(task for task in (Task.BINARY, Task.REGRESSION, Task.MULTICLASS) if metric in METRICS_OF[task])


def pairs_of(
    metric: str, rng: np.random.Generator, n: int, prevalence: float, clustered: bool, *, units: bool = True
) -> Pairs:
    """Rows on which this metric can be tried."""
    task = task_of(metric)
    if task is Task.BINARY:
        made = two_models(rng, n, prevalence, clustered)
        if metric == "ece":
            made = made[0], _overconfident(made[1], 1.5), _overconfident(made[2], 1.25)
    elif task is Task.MULTICLASS:
        made = three_classes(rng, n, prevalence / 2 if prevalence == 0.5 else prevalence, clustered)
    else:
        made = numbers(rng, n, clustered)
    entities = (np.arange(n) // ROWS_EACH).astype(np.int64)
    return Pairs(*made, Units(entities, int(entities.max()) + 1) if clustered and units else Units(None, n))


def _overconfident(scores: Floats, times: float) -> Floats:
    """Scores whose log-odds are so many times too far from even odds."""
    return np.asarray(1 / (1 + np.exp(-times * np.log(scores / (1 - scores)))))


def terms_at(prevalence: float) -> Terms:
    """An operating point that both classes are called from: half again the prevalence."""
    threshold = min(0.5, 1.5 * prevalence)
    return Terms(threshold=threshold, false_alarm=threshold, miss=1 - threshold, quantile=0.7)


@cache
def truth(metric: str, prevalence: float, clustered: bool, millions: int = 2) -> float:
    """The difference on so many million rows. Where runs have 50,000 rows, two million are not enough: what is taken for
    the truth would be off by a sixth of an interval's standard error."""
    found = [
        estimate(
            metric,
            pairs_of(metric, np.random.default_rng([0, k]), 1_000_000, prevalence, clustered, units=False),
            terms_at(prevalence),
        ).difference
        for k in range(millions)
    ]
    return float(np.mean(found))


def _noise(rng: np.random.Generator, n: int, clustered: bool) -> Floats:
    """(n,) standard normal; of entities, with a part in common."""
    if not clustered:
        return rng.standard_normal(n)
    common = np.repeat(rng.standard_normal(-(-n // ROWS_EACH)), ROWS_EACH)[:n]
    return np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * rng.standard_normal(n)


def _uniform(rng: np.random.Generator, n: int, clustered: bool) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(_noise(rng, n, clustered))) if clustered else rng.random(n)
