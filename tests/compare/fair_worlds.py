"""Simulated worlds in which the gaps between groups are known."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from loop_core.charter import Charter, parse_charter
from loop_core.compare.fairness import fairness
from loop_core.compare.metrics import Pairs
from loop_core.monitor.units import Units
from tests.conftest import CHARTER

Floats = npt.NDArray[np.float64]

PROTECTED = CHARTER.replace("min_rows = 50", "min_rows = 50\nprotected = true")
#: Separation of the classes by champion and challenger.
SEPARATION = (1.0, 1.2)
#: Of a score before the logistic curve: from here on it says yes, and what is shared, what is an entity's and what is a
#: row's own spread it so much.
LINE, SPREAD = 1.0, math.sqrt(0.8**2 + 0.6**2 + 0.4**2)


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
        for separation, shift in zip(SEPARATION, (self.champion, self.challenger), strict=True):
            x = separation * labels + shared + 0.4 * rng.standard_normal(n) + np.asarray(shift)[group]
            scores.append(1 / (1 + np.exp(LINE - x)))
        units = Units(entity.astype(np.int64), self.entities) if self.entities else Units(None, n)
        return Pairs(labels, scores[0], scores[1], units), pl.DataFrame({"state": np.array(list("ABCDEFGH"))[group]})

    def truth(self, measure: str) -> tuple[float, float, float]:
        """(the champion's gap, the challenger's, the first less the second) of endless rows."""
        first, second = (
            self._gap(measure, separation, np.asarray(shift))
            for separation, shift in zip(SEPARATION, (self.champion, self.challenger), strict=True)
        )
        return first, second, first - second

    def _gap(self, measure: str, separation: float, shift: Floats) -> float:
        hits, alarms = ndtr((separation + shift - LINE) / SPREAD), ndtr((shift - LINE) / SPREAD)
        if measure == "equalized_odds":
            return max(float(np.ptp(hits)), float(np.ptp(alarms)))
        return float(np.ptp(self.prevalence * hits + (1 - self.prevalence) * alarms))


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
