"""Two models that are equally good, of which the challenger misses what is labelled late, on a random sample that ends
before, with, or regardless of the first drawn row that waits for its label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from loop_core.compare import Estimate, Pairs, Units, estimate
from loop_core.compare.verdict import verdict
from loop_core.vocabulary import Verdict

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: Share of all predictions that are bad and known late, that are bad and known at once, and that the sample draws.
LATE, SOON, DRAWN = 0.009, 0.03, 0.3
MARGIN = 0.001
End = Literal["fixed", "before", "with"]


@dataclass(frozen=True)
class Ended:
    """Predictions in order of time, of which those before `cut` are old enough for late labels."""

    late: npt.NDArray[np.bool_]
    """(n,) bad and known late."""
    soon: npt.NDArray[np.bool_]
    """(n,) bad and known at once: both models say the same of these."""
    champion: Floats
    challenger: Floats
    entity: Ints | None
    drawn: npt.NDArray[np.bool_]
    cut: int

    def verdict(self, end: End) -> Verdict:
        """What is said of a sample that ends at the cut, before the first waiting row, or with it and its entity."""
        places = np.arange(len(self.late))
        waiting = self.drawn & self.late & (places >= self.cut)
        first = int(waiting.argmax()) if waiting.any() else len(places)
        inside = places < (self.cut if end == "fixed" else first)
        if end == "with" and waiting.any():
            inside |= places == first if self.entity is None else self.entity == self.entity[first]
        rows = np.flatnonzero(self.drawn & inside)
        labels = np.where(waiting, np.nan, (self.late | self.soon).astype(np.float64))
        units = Units.of(None if self.entity is None else self.entity[rows].tolist(), len(rows))
        weights, due = np.full(len(rows), 1 / DRAWN), np.zeros(len(rows), dtype=bool)
        found = estimate(
            "log_loss", Pairs(labels[rows], self.champion[rows], self.challenger[rows], units, weights, due)
        )
        return verdict(found.ci_low, found.ci_high, MARGIN) if isinstance(found, Estimate) else Verdict.NOT_APPLICABLE


def ended(seed: int, expected: int, burst: int = 1, spread: float = 5.0, soon_share: float = SOON) -> Ended:
    """Draw one.

    Args:
        seed: of the draw.
        expected: late bad rows that the sample is expected to have before the cut.
        burst: rows of an entity, all late or none; 1: no entity repeats.
        spread: over how many rows of others an entity's are spread, times its rows.
        soon_share: of rows that are bad and known at once.
    """
    rng = np.random.default_rng([seed, expected, burst])
    cut = int(expected / (LATE * DRAWN))
    entities = int((1.6 * cut + 2_000) / burst)
    late = np.repeat(rng.random(entities) < LATE, burst)
    entity = np.repeat(np.arange(entities), burst)
    at = np.repeat(rng.random(entities) * entities * burst, burst) + rng.random(len(late)) * burst * spread
    order = np.argsort(at)
    late, entity = late[order], entity[order]
    champion, challenger = _scores(late, rng)
    soon = ~late & (rng.random(len(late)) < soon_share)
    challenger[soon] = champion[soon] = 0.3
    return Ended(late, soon, champion, challenger, entity if burst > 1 else None, rng.random(len(late)) < DRAWN, cut)


#: What the challenger says of the rows that are not bad, so that both lose the same on average.
_GOOD = 0.0046607


def _scores(late: npt.NDArray[np.bool_], rng: np.random.Generator) -> tuple[Floats, Floats]:
    means = (np.where(late, 0.12, 0.02), np.where(late, 0.02, _GOOD))
    first, second = (np.clip(mean * rng.lognormal(0, 0.3, len(late)), 1e-6, 0.99) for mean in means)
    return first, second
