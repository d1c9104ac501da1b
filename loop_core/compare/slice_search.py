"""Slice search: conjunctions of conditions in which rows are harmed, from contingency tables of harm.

After SliceLine (Sagadeeva & Boehm 2021): levels by number of conditions, pruned by size and by an upper bound. Two things
differ. Harm has a sign here, so what ranks slices is their harm over its standard error – what can be confirmed on
other rows – and a longer description has to make up for how many of its length were looked at. And slices are picked one
after the other by what the ones before leave unexplained, so that one harm is not found under ten names.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from loop_core.compare.conditions import Bools, Condition, Cut

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A slice whose harm is less than so many standard errors on the search half is not worth a test on the other.
FLOOR = 2.0
#: Of each set of columns this many slices are remembered.
KEPT = 40
#: Slices looked at again while picking, at most: each costs one pass over the rows of the search half.
LOOKS = 4_000

#: What to do with a slice that is up next: pick it, count its harm as known without picking it, or pass on.
Choice = Literal["pick", "known", "pass"]


@dataclass(frozen=True)
class Candidate:
    """A conjunction of conditions, each of another column."""

    places: tuple[tuple[int, int], ...]
    """(cut, condition) of each."""
    t: float
    """Harm over its standard error, each row standing alone."""
    penalty: float
    """2 ln of how many slices of this length were looked at: about what the luckiest of them has by chance."""

    @property
    def score(self) -> float:
        """By what slices are ranked."""
        return self.t**2 - self.penalty

    def conditions(self, cuts: Sequence[Cut]) -> list[Condition]:
        return [cuts[cut].conditions[k] for cut, k in self.places]

    def rows(self, cuts: Sequence[Cut]) -> Bools:
        """(n,) which rows are in it."""
        inside = [_holds(cuts[cut], k)[cuts[cut].codes] for cut, k in self.places]
        return np.asarray(np.logical_and.reduce(inside))


def _holds(cut: Cut, k: int) -> Bools:
    found = np.zeros(cut.cells, dtype=np.bool_)
    found[list(cut.conditions[k].cells)] = True
    return found


@dataclass(frozen=True)
class Looked:
    """All that was looked at, and the best of it."""

    candidates: tuple[Candidate, ...]
    """The best first."""
    count: int
    """Slices with enough rows that were looked at."""


def look(cuts: Sequence[Cut], harms: Floats, depth: int, least: int) -> Looked:
    """Every conjunction of up to `depth` conditions with at least `least` rows.

    Harm over its standard error is Σh / √Σh², which is at most √n⁺ in any part of a slice with n⁺ harmed rows
    (Cauchy–Schwarz): where that stays under `FLOOR`, or rows under `least`, longer descriptions are not looked at.

    Args:
        cuts: columns of the search half.
        harms: (n,) how much worse off each row is, beyond what everybody is.
        depth: conditions, at most.
        least: rows, at least.
    """
    tables, depth = _Tables(cuts, harms, least), min(depth, len(cuts))
    alive = [np.arange(len(cut.conditions)) for cut in cuts]
    found: list[Candidate] = []
    count = 0
    pairs: set[tuple[int, ...]] = set(itertools.combinations(range(len(cuts)), 2))
    for length in range(1, depth + 1):
        levels = {}
        for columns in itertools.combinations(range(len(cuts)), length):
            if length < 3 or pairs.issuperset(itertools.combinations(columns, 2)):
                levels[columns] = tables.level(columns, [alive[c] for c in columns], longer=length < depth)
        looked = sum(level.looked for level in levels.values())
        penalty = 2 * math.log(max(looked, 1))
        found.extend(one for columns, level in levels.items() for one in level.candidates(columns, alive, penalty))
        if length == 1:
            # A part of nothing harmed is not harmed: such conditions need no company.
            alive = [alive[c][level.promising] for (c,), level in levels.items()]
        elif length == 2:
            pairs = {columns for columns, level in levels.items() if level.promising.any()}
        count += looked
    return Looked(tuple(sorted(found, key=lambda one: (-one.score, len(one.places), one.places))), count)


@dataclass(frozen=True)
class _Level:
    """The slices of one set of columns."""

    looked: int
    t: Floats
    """(of the best few,) harm over its standard error."""
    places: tuple[Ints, ...]
    """Their conditions, one array a column."""
    promising: Bools
    """Over all slices, which may have parts worth a look."""

    def candidates(self, columns: tuple[int, ...], alive: Sequence[Ints], penalty: float) -> list[Candidate]:
        conditions = [alive[c][places].tolist() for c, places in zip(columns, self.places, strict=True)]
        rows = zip(self.t.tolist(), *conditions, strict=True)
        return [Candidate(tuple(zip(columns, ks, strict=True)), t, penalty) for t, *ks in rows]


class _Tables:
    """Contingency tables of the search half: rows, harm, squared harm and harmed rows by cell."""

    def __init__(self, cuts: Sequence[Cut], harms: Floats, least: int) -> None:
        self._cuts, self._least = cuts, least
        self._codes = [cut.codes.astype(np.intp) for cut in cuts]
        self._members = [cut.members.astype(np.float64) for cut in cuts]
        self._weights: tuple[Floats | None, ...] = (None, harms, harms**2, (harms > 0).astype(np.float64))

    def level(self, columns: tuple[int, ...], alive: Sequence[Ints], *, longer: bool) -> _Level:
        """All conjunctions of one condition of each of these columns; `longer`: whether it matters what may have parts."""
        shape = tuple(self._cuts[c].cells for c in columns)
        flat = self._codes[columns[0]]
        for c in columns[1:]:
            flat = flat * self._cuts[c].cells + self._codes[c]
        members = [self._members[c][kept] for c, kept in zip(columns, alive, strict=True)]
        n, harm, squares = (self._sums(flat, weights, shape, members) for weights in self._weights[:3])
        large = n >= self._least
        t = np.divide(harm, np.sqrt(squares), out=np.zeros_like(harm), where=large & (squares > 0))
        best = np.flatnonzero(t.ravel() >= FLOOR)
        if len(best) > KEPT:
            best = best[np.argsort(-t.ravel()[best], kind="stable")[:KEPT]]
        places = tuple(place.astype(np.int64) for place in np.unravel_index(best, t.shape))
        promising = large
        if longer:
            promising = large & (self._sums(flat, self._weights[3], shape, members) >= FLOOR**2)
        return _Level(int(np.count_nonzero(large)), t.ravel()[best], places, promising)

    @staticmethod
    def _sums(flat: Ints, weights: Floats | None, shape: tuple[int, ...], members: Sequence[Floats]) -> Floats:
        """Cells added up to conditions, column by column."""
        table = np.bincount(flat, weights=weights, minlength=math.prod(shape)).astype(np.float64).reshape(shape)
        for axis, member in enumerate(members):
            table = np.moveaxis(np.tensordot(member, table, axes=(1, axis)), 0, axis)
        return table


def pick(
    looked: Looked,
    cuts: Sequence[Cut],
    harms: Floats,
    unit: Ints | None,
    most: int,
    choose: Callable[[Candidate], Choice],
) -> list[Candidate]:
    """At most `most` slices, each for harm that those before it do not explain.

    Picking one takes its mean harm off its rows: what is left of a slice within it, around it or across it is what that one
    adds. Scores only fall by this, so the best is found by looking again at the first of the list (lazy greedy, Minoux 1978).

    Args:
        looked: the candidates.
        cuts, harms: of the search half, as they were looked at.
        unit: (n,) unit of each row, whose rows are added up; None: each row is its own.
        most: slices, at most.
        choose: whether a slice may be picked; asked once of each that is up next.
    """
    left: Floats = harms.copy()
    found: list[Candidate] = []
    waiting = [(-one.score, k) for k, one in enumerate(looked.candidates)]
    for _ in range(LOOKS):
        if not waiting or len(found) == most:
            break
        before, k = heapq.heappop(waiting)
        one = looked.candidates[k]
        inside = np.flatnonzero(one.rows(cuts))
        t = standardised(left[inside], None if unit is None else unit[inside])
        now = -(t**2 - one.penalty)
        if t < FLOOR:
            continue
        if now > before and waiting and now > waiting[0][0]:
            heapq.heappush(waiting, (now, k))
            continue
        choice = choose(one)
        if choice != "pass":
            left[inside] -= left[inside].mean()
        if choice == "pick":
            found.append(one)
    return found


def standardised(harms: Floats, unit: Ints | None) -> float:
    """Σh / √Σh², rows added up within their unit first; 0 without harm or rows."""
    if unit is not None:
        _, dense = np.unique(unit, return_inverse=True)
        harms = np.bincount(dense, weights=harms).astype(np.float64)
    squares = float(np.sqrt((harms**2).sum()))
    return float(harms.sum()) / squares if squares else 0.0
