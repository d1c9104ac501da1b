"""The widest gap between groups in some rate, for two models on the same rows, and how sure it is.

A gap is a maximum over pairs of groups, so where groups are about equal it is no smooth function of the rates: the plug-in
value is too large on average, and the ordinary delta method and bootstrap are wrong. Here the rates are taken as jointly
normal, with a covariance added up within entities, and the maximum over those pairs that may be the widest (the directional
delta method, Fang & Santos 2019). Which they are the data only say up to an error, so the interval holds those of several
answers: only the widest, those near it, and those not far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DRAWS = 4_000
_LEVELS = (0.025, 0.975)
#: How near a pair must be to the widest to be taken for as wide, in parts of √ln n standard errors.
NEAR = (0.0, 0.5, 1.0)
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


@dataclass(frozen=True)
class Gap:
    """A widest gap, or the difference of two."""

    value: float
    ci_low: float
    ci_high: float
    """95 %; it always holds the value, which near zero is too large on average."""
    se: float
    """Standard deviation of the value's limit."""
    p_worse: float
    """One-sided p-value of "it is not below zero", 0..1."""


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
    return Rates(values, counts, covariance + _unseen(rates, totals, counts), len(groups))


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

    places, inverse = np.unique(units.codes * n_groups + groups, return_inverse=True)
    parts = []
    for values in influence:
        sums = np.bincount(inverse, values, len(places))
        parts.append(csr_array((sums, (places // n_groups, places % n_groups)), shape=(units.count, n_groups)))
    return np.block([[(a.T @ b).toarray() for b in parts] for a in parts])


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
    n_rates, n_groups = rates.values.shape
    theirs = [place + n_rates // 2 for place in which]
    limit = _draws(rates.covariance, seed)
    found = []
    for chosen in (which, theirs):
        places = [np.array([rate * n_groups + group for group in groups]) for rate in chosen]
        found.append(_widest(rates, places, limit))
    (first, one), (second, two) = found
    change = _gap(first - second, one - two)
    return _width(_gap(first, one)), _width(_gap(second, two)), change


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


def _widest(rates: Rates, places: Sequence[Ints], limit: Floats) -> tuple[float, Floats]:
    """(the widest gap, (len(NEAR), DRAWS) errors of it): maxima over the pairs that are taken for as wide."""
    values = rates.values.ravel()
    pairs = np.concatenate([np.array([(a, b) for a in one for b in one if a != b]) for one in places])
    gaps = values[pairs[:, 0]] - values[pairs[:, 1]]
    apart = _apart(rates.covariance, pairs, pairs[int(gaps.argmax())]) * np.sqrt(np.log(max(rates.n, 3)))
    drawn = np.full((len(NEAR), limit.shape[1]), -np.inf)
    for place, near in enumerate(NEAR):
        for a, b in pairs[gaps >= gaps.max() - near * apart]:
            np.maximum(drawn[place], limit[a] - limit[b], out=drawn[place])
    return float(gaps.max()), drawn


def _apart(covariance: Floats, pairs: Ints, widest: Ints) -> Floats:
    """(n_pairs,) standard error of the difference of each gap to the widest."""
    contrast = np.zeros((len(pairs), len(covariance)))
    rows = np.arange(len(pairs))
    for sign, places in ((1, pairs[:, 0]), (-1, pairs[:, 1]), (-1, widest[0]), (1, widest[1])):
        np.add.at(contrast, (rows, places), sign)
    return np.asarray(np.sqrt(np.maximum(((contrast @ covariance) * contrast).sum(axis=1), 0)))


def _gap(value: float, drawn: Floats) -> Gap:
    if np.abs(drawn).max() < _ROUNDING:
        return Gap(value, value, value, 0.0, 1.0 if value >= 0 else 0.0)
    highest, lowest = np.quantile(drawn, _LEVELS[::-1], axis=1)
    below = (drawn <= value).mean(axis=1).max()
    p = (float(below) * drawn.shape[1] + 1) / (drawn.shape[1] + 1)
    low, high = min(value - highest.max(), value), max(value - lowest.min(), value)
    return Gap(value, float(low), float(high), float(drawn.std(axis=1).max()), p)


def _width(gap: Gap) -> Gap:
    """A gap of rates is never below zero."""
    return replace(gap, ci_low=max(gap.ci_low, 0.0))
