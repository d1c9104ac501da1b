"""The widest gap between groups in some rate, for two models on the same rows, and how sure it is.

A gap is a maximum over pairs of groups, so where groups are about equal it is no smooth function of the rates: the plug-in
value is too large on average, and the ordinary delta method and bootstrap are wrong (Fang & Santos 2019). Here the rates are
jointly normal, with a covariance added up within entities, and the intervals hold whichever of the pairs that may be the
widest is (intersection bounds, Chernozhukov, Lee & Rosen 2013): they are honest at ties, and there wider than need be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import Z
from loop_core.compare.verdict import p_worse
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DRAWS = 2_000
#: Spread that is rounding: both models say the same.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Rate:
    """One rate of one model: Σ value / Σ weight over the rows of a group."""

    value: Floats
    """(n,) what is added up."""
    weight: Floats
    """(n,) 1 where the row counts, else 0; `value` is 0 there."""
    share: bool = True
    """Values are 0 or 1."""
    open: Floats | None = None
    """(n,) of rows without label, whose value and weight are 0: 0 or 1 where the row may count with that value or not at all, 2
    where it counts and its value may be 0 or 1; NaN of the others. None: every row has its label."""


@dataclass(frozen=True)
class Rates:
    """Several rates in several groups."""

    values: Floats
    """(n_rates, n_groups); nan where no row counts."""
    counts: Floats
    """(n_rates, n_groups) rows that count."""
    covariance: Floats
    """(n_rates · n_groups)²: of the rates, in the order of `values.ravel()`."""
    n: int
    """Rows."""
    least: Floats | None = None
    """(n_rates, n_groups) the least that labels could make of each where some are missing; None: none is."""
    most: Floats | None = None
    """The most."""


@dataclass(frozen=True)
class Gap:
    """A widest gap, or the difference of two."""

    value: float
    ci_low: float
    ci_high: float
    """95 %; it always holds the value, which near zero is too large on average."""
    se: float
    """The interval's half width as that of a normal one."""
    p_worse: float
    """One-sided p-value of "it is not below zero", 0..1."""
    bound_low: float | None = None
    """The least that it can be whatever the missing labels are; the interval reaches beyond it. None: none is missing."""
    bound_high: float | None = None
    """The most."""


@dataclass(frozen=True)
class _Pairs:
    """The pairs of groups that may be the widest of one model."""

    value: float
    """The widest gap there is."""
    places: Ints
    """(n_pairs, 2) places of the two rates of each pair."""
    gaps: Floats
    """(n_pairs,)"""
    errors: Floats
    """(n_pairs, DRAWS) what sampling may have added to each."""


def rates_of(rates: Sequence[Rate], groups: Ints, n_groups: int, units: Units) -> Rates:
    """Rates by group with their joint covariance, rows added up within their unit first (Liang & Zeger 1986).

    Args:
        rates: each over the same n rows.
        groups: (n,) number of each row's group.
        n_groups: groups.
        units: which rows belong together.
    """
    totals = np.stack([np.bincount(groups, rate.value, n_groups) for rate in rates]).astype(np.float64)
    counts = np.stack([np.bincount(groups, rate.weight, n_groups) for rate in rates]).astype(np.float64)
    values = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
    influence = np.zeros((len(rates), len(groups)))
    for place, rate in enumerate(rates):
        centred = rate.value - rate.weight * np.nan_to_num(values[place])[groups]
        influence[place] = centred / np.maximum(counts[place], 1)[groups]
    covariance = _added_up(influence, groups, n_groups, units) * (units.count / max(units.count - 1, 1))
    least, most = _extremes(rates, totals, counts, groups)
    return Rates(values, counts, covariance + _unseen(rates, totals, counts), len(groups), least, most)


def _extremes(
    rates: Sequence[Rate], totals: Floats, counts: Floats, groups: Ints
) -> tuple[Floats, Floats] | tuple[None, None]:
    """The least and the most of every rate in every group over the labels of rows that have none."""
    if all(rate.open is None for rate in rates):
        return None, None
    least, most = np.empty_like(totals), np.empty_like(totals)
    for place, rate in enumerate(rates):
        kind = np.full(len(groups), np.nan) if rate.open is None else rate.open
        no, yes, either = (np.bincount(groups[kind == code], minlength=totals.shape[1]) for code in (0, 1, 2))
        total, count = totals[place], counts[place]
        with np.errstate(divide="ignore", invalid="ignore"):
            least[place] = total / (count + no + either)
            most[place] = (total + yes + either) / (count + yes + either)
    return least, most


def _added_up(influence: Floats, groups: Ints, n_groups: int, units: Units) -> Floats:
    """Σ over units of the outer product of a unit's influence on every rate of every group."""
    n_rates = len(influence)
    if units.codes is None:
        # A row is in one group, so groups are independent: a block for each.
        covariance = np.zeros((n_rates, n_groups, n_rates, n_groups))
        for first in range(n_rates):
            for second in range(first, n_rates):
                block = np.bincount(groups, influence[first] * influence[second], n_groups)
                covariance[first, range(n_groups), second, range(n_groups)] = block
                covariance[second, range(n_groups), first, range(n_groups)] = block
        return covariance.reshape(n_rates * n_groups, -1)
    from scipy.sparse import csr_array

    # Rows of one unit and group are added up as the matrices are made.
    shape = (units.count, n_groups)
    parts = [csr_array((values, (units.codes, groups)), shape=shape) for values in influence]
    blocks = {(a, b): (parts[a].T @ parts[b]).toarray() for a in range(n_rates) for b in range(a, n_rates)}
    return np.block([[blocks[a, b] if a <= b else blocks[b, a].T for b in range(n_rates)] for a in range(n_rates)])


def _unseen(rates: Sequence[Rate], totals: Floats, counts: Floats) -> Floats:
    """What the covariance lacks where hardly a row is the other way: the spread of a share with one more yes and one more
    no (Laplace), less its own. The same yes and no for both models, so their difference stays as sure as it is."""
    share = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0)
    laplace = (totals + 1) / (counts + 2)
    extra = np.maximum(laplace * (1 - laplace) - share * (1 - share), 0) / np.maximum(counts, 1)
    extra[[not rate.share for rate in rates]] = 0
    half = len(rates) // 2
    both = np.sqrt(extra[:half] * extra[half:])
    added = np.diag(extra.ravel())
    for place in range(both.size):
        added[place, both.size + place] = added[both.size + place, place] = both.ravel()[place]
    return np.asarray(added)


def gaps_of(rates: Rates, which: Sequence[int], groups: Ints, seed: int) -> tuple[Gap, Gap, Gap]:
    """The widest gap of the champion, of the challenger, and the first less the second: up is good for the challenger.

    Args:
        rates: the champion's, then as many of the challenger's.
        which: rates of the champion over which the widest gap is taken; the challenger's are as many places on.
        groups: numbers of the groups that count, at least two; none of these rates is nan there.
        seed: of the draws.
    """
    half = len(rates.values) // 2
    limit = _draws(rates.covariance, seed)
    first = _widest(rates, which, groups, limit)
    second = _widest(rates, [place + half for place in which], groups, limit)
    apart = half * rates.values.shape[1]
    change = first.value - second.value
    high, low = _above(first, second, rates, apart), -_above(second, first, rates, -apart)
    found = _width(first, rates), _width(second, rates), _gap(change, low, high)
    if rates.least is None or rates.most is None:
        return found
    narrow, wide = zip(
        *(_any_label(rates.least, rates.most, of, groups) for of in (which, [place + half for place in which])),
        strict=True,
    )
    changes = narrow[0] - wide[1], wide[0] - narrow[1]
    gaps = (*zip(narrow, wide, strict=True), changes)
    a, b, c = (_bounded(gap, *ends) for gap, ends in zip(found, gaps, strict=True))
    return a, b, c


def _any_label(least: Floats, most: Floats, which: Sequence[int], groups: Ints) -> tuple[float, float]:
    """The narrowest and the widest that a widest gap can be, each rate being anything between its least and its most."""
    low, high = least[which][:, groups], most[which][:, groups]
    apart = ~np.eye(len(groups), dtype=bool)
    narrow = (low[:, :, None] - high[:, None, :])[:, apart].max()
    return max(float(narrow), 0.0), float((high[:, :, None] - low[:, None, :])[:, apart].max())


def _bounded(gap: Gap, least: float, most: float) -> Gap:
    """The gap with an interval that holds whatever the missing labels are."""
    low, high = min(least, gap.value), max(most, gap.value)
    reach = max(gap.ci_high - gap.value, 0.0)
    return replace(
        gap,
        ci_low=gap.ci_low - (gap.value - low),
        ci_high=gap.ci_high + (high - gap.value),
        p_worse=p_worse(high, reach / Z),
        bound_low=low,
        bound_high=high,
    )


def extremes(rates: Rates, which: Sequence[int], groups: Ints) -> tuple[int, int]:
    """Numbers of the groups between which the gap is widest: the one with more, the one with less."""
    widths = [np.ptp(rates.values[rate, groups]) for rate in which]
    values = rates.values[which[int(np.argmax(widths))], groups]
    return int(groups[values.argmax()]), int(groups[values.argmin()])


def _draws(covariance: Floats, seed: int) -> Floats:
    """(n_rates · n_groups, DRAWS) errors of the rates."""
    values, vectors = np.linalg.eigh(covariance)
    spread = np.sqrt(np.where(values > 1e-12 * values.max(initial=0), values, 0))
    noise = np.random.default_rng(seed).standard_normal((len(values), DRAWS))
    return np.asarray(vectors @ (spread[:, None] * noise))


def _widest(rates: Rates, which: Sequence[int], groups: Ints, limit: Floats) -> _Pairs:
    values, n_groups = rates.values.ravel(), rates.values.shape[1]
    places = np.array([(r * n_groups + a, r * n_groups + b) for r in which for a in groups for b in groups if a != b])
    gaps = values[places[:, 0]] - values[places[:, 1]]
    # Further below the widest than this is certain, at a rate that grows slowly with the rows.
    near = np.sqrt(np.log(max(rates.n, 3))) * _se(rates.covariance, places, places[int(gaps.argmax())])
    kept = gaps >= gaps.max() - near
    errors = limit[places[kept, 0]] - limit[places[kept, 1]]
    return _Pairs(float(gaps.max()), places[kept], gaps[kept], errors)


def _width(pairs: _Pairs, rates: Rates) -> Gap:
    """A gap by itself. Above: whichever pair is the widest, it is at most so wide; below: the widest may owe to chance."""
    se = np.sqrt(_variances(rates.covariance, _contrasts(pairs.places, len(rates.covariance))))
    high = float((pairs.gaps + Z * se).max())
    low = pairs.value - float(np.quantile(pairs.errors.max(axis=0), 0.975))
    return _gap(pairs.value, max(low, 0.0), high)


def _above(first: _Pairs, second: _Pairs, rates: Rates, apart: int) -> float:
    """Upper end of the interval of the first gap less the second.

    Let c be the pair of groups that is the widest of the first. The difference is at most what the two models differ by at
    c, and is the first's gap at c less the second's widest: the smaller of the two bounds holds, and c is any that may be it.
    """
    size = len(rates.covariance)
    values = rates.values.ravel()
    others = first.places + apart
    same = first.gaps - (values[others[:, 0]] - values[others[:, 1]])
    differing = _contrasts(first.places, size) - _contrasts(others, size)
    at_pair = same + Z * np.sqrt(_variances(rates.covariance, differing))
    chance = np.quantile(second.errors.max(axis=0) - first.errors, 0.975, axis=1)
    return float(np.minimum(at_pair, first.gaps - second.value + chance).max())


def _contrasts(places: Ints, size: int) -> Floats:
    """(n_pairs, size) each pair as 1 at its first rate and −1 at its second."""
    made = np.zeros((len(places), size))
    rows = np.arange(len(places))
    made[rows, places[:, 0]] += 1
    made[rows, places[:, 1]] -= 1
    return made


def _variances(covariance: Floats, contrasts: Floats) -> Floats:
    return np.asarray(np.maximum(((contrasts @ covariance) * contrasts).sum(axis=1), 0))


def _se(covariance: Floats, places: Ints, widest: Ints) -> Floats:
    """(n_pairs,) standard error of the difference of each gap to the widest."""
    size = len(covariance)
    return np.sqrt(_variances(covariance, _contrasts(places, size) - _contrasts(widest[None], size)))


def _gap(value: float, low: float, high: float) -> Gap:
    if abs(high - low) < _ROUNDING:
        return Gap(value, value, value, 0.0, p_worse(value, 0.0))
    # Of a gap that is shown to be below zero, how far the upper end is from it says how surely.
    return Gap(
        value, min(low, value), max(high, value), (high - low) / 2 / Z, p_worse(value, max(high - value, 0.0) / Z)
    )
