"""Simulated worlds in which the gaps between groups are known."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from loop_core.charter import Charter, parse_charter
from loop_core.compare.fairness import fairness
from loop_core.compare.metrics import Pairs
from loop_core.monitor.units import Units
from tests.conftest import CHARTER

Floats = npt.NDArray[np.float64]

PROTECTED = CHARTER.replace("min_rows = 50", "min_rows = 50\nprotected = true")
#: Yes is said from this probability on.
LINE = 0.5
#: Rows from which the true gaps are told.
MANY = 400_000


@dataclass(frozen=True)
class World:
    """How two models treat k groups."""

    champion: tuple[float, ...]
    """What is added to the champion's score in each group, in standard deviations."""
    challenger: tuple[float, ...]
    prevalence: float = 0.3
    entities: int = 0
    """0: rows are independent."""

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Pairs, pl.DataFrame]:
        """n rows: labels, two models whose scores correlate, and the group of each row."""
        k = len(self.champion)
        entity = rng.integers(0, self.entities, n) if self.entities else np.arange(n)
        home = rng.integers(0, k, self.entities or n)
        # Most rows of an entity are in one group, and what is peculiar to it shifts both models' scores.
        group = np.where(rng.random(n) < 0.8, home[entity], rng.integers(0, k, n))
        own = 0.6 * rng.standard_normal(self.entities or n)[entity]
        labels = (rng.random(n) < self.prevalence).astype(np.float64)
        shared = 0.8 * rng.standard_normal(n) + own
        scores = []
        for separation, shift in ((1.0, self.champion), (1.2, self.challenger)):
            x = separation * labels + shared + 0.4 * rng.standard_normal(n) + np.asarray(shift)[group]
            scores.append(1 / (1 + np.exp(1.0 - x)))
        units = Units(entity.astype(np.int64), self.entities) if self.entities else Units(None, n)
        return Pairs(labels, scores[0], scores[1], units), pl.DataFrame({"state": np.array(list("ABCDEFGH"))[group]})

    @functools.cache  # noqa: B019 - worlds are few and small
    def truth(self, measure: str) -> tuple[float, float, float]:
        """(the champion's gap, the challenger's, the first less the second) of endless rows."""
        pairs, cohorts = replace(self, entities=0).draw(np.random.default_rng(99), MANY)
        found = next(one for one in fairness(charter(), pairs, cohorts)[0] if one.measure == measure)
        first = 0.0 if len(set(self.champion)) == 1 else found.champion
        second = 0.0 if len(set(self.challenger)) == 1 else found.challenger
        return first, second, first - second


@functools.cache
def _parsed(text: str) -> Charter:
    return parse_charter(text)


def charter(text: str = PROTECTED, **update: object) -> Charter:
    """A charter with the protected cohort `state`."""
    return _parsed(text).model_copy(update=update)


def coverage(world: World, measure: str, n: int, runs: int, seed: int = 0) -> tuple[float, ...]:
    """Share of runs whose 95 % interval holds the truth: of the champion's gap, of the challenger's, of their difference."""
    truth, rng = world.truth(measure), np.random.default_rng(seed)
    hits, done = np.zeros(3), 0
    for run in range(runs):
        found = next(one for one in fairness(charter(), *world.draw(rng, n), seed=run)[0] if one.measure == measure)
        if found.difference is None or found.left_out:
            continue
        ends = (
            (found.champion_low, found.champion_high),
            (found.challenger_low, found.challenger_high),
            (found.ci_low, found.ci_high),
        )
        hits += [low <= true <= high for (low, high), true in zip(ends, truth, strict=True)]
        done += 1
    return tuple(hits / max(done, 1))
