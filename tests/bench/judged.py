"""Test losses of two sides on the same rows: their ratio, and how far it may be off by the rows and by the searches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.bench.splits import Floats

#: Rows so near in time miss together.
BLOCK = 100
#: Of each origin, (n_searches, n_test) losses: one search a seed.
Side = Sequence[Floats]


def by_origin(losses: Sequence[Floats], origins: int) -> list[Floats]:
    """Losses of one search after another, origin by origin in turn."""
    return [np.stack(losses[place::origins]) for place in range(min(origins, len(losses)))]


def ratio(mine: Side, theirs: Side) -> float:
    """Mean test loss of mine over that of theirs; every origin's rows count once, whatever the number of searches."""
    return float(_pooled(mine).mean() / _pooled(theirs).mean())


def standard_error(mine: Side, theirs: Side) -> float:
    """Of `ratio`. Other rows would have given another one: by bootstrap of the paired differences over blocks of time. So
    would other seeds: by the spread of the mean loss between the searches of an origin, where any has two."""
    difference, level = _pooled(mine) - _pooled(theirs), float(_pooled(theirs).mean())
    sums = np.add.reduceat(difference, np.arange(0, len(difference), BLOCK))
    drawn = np.random.default_rng(0).integers(len(sums), size=(2_000, len(sums)))
    rows = float(sums[drawn].sum(axis=1).std()) / len(difference)
    return float(np.sqrt(rows**2 + _of_searches(mine) + _of_searches(theirs))) / level


def _pooled(side: Side) -> Floats:
    """(n_test of all origins,) mean over an origin's searches."""
    return np.concatenate([losses.mean(axis=0) for losses in side])


def _of_searches(side: Side) -> float:
    """Variance of the mean loss that comes from the seeds. A seed moves an origin's loss by a share of it, the same share
    for every origin: one origin's two or three searches alone would tell little."""
    means = [losses.mean(axis=1) for losses in side]
    freedom = sum(len(found) - 1 for found in means)
    if not freedom:
        return 0.0
    share = sum(float(((found / found.mean() - 1) ** 2).sum()) for found in means) / freedom
    rows = np.array([losses.shape[1] for losses in side])
    parts = [share * found.mean() ** 2 / len(found) for found in means]
    return float(((rows / rows.sum()) ** 2 * parts).sum())
