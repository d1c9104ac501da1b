"""Fairness over protected cohorts: the widest gap between groups, of the champion, of the challenger, and its change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from loop_core.charter import Charter, Cohort
from loop_core.compare.estimate import MIN_UNITS
from loop_core.compare.fairness_rates import MIN_SIDE, Asked, Groups, asked_of, protected_groups
from loop_core.compare.fairness_result import FairnessResult, GroupRate
from loop_core.compare.gaps import Gap, Rate, Rates, extremes, gaps_of, rates_of
from loop_core.compare.metrics import Pairs
from loop_core.compare.verdict import rejected, rows_needed, verdict
from loop_core.monitor.units import Units
from loop_core.vocabulary import Verdict

if TYPE_CHECKING:
    import polars as pl

#: Rates × groups beyond which their joint covariance is too large to work with.
MAX_RATES = 1_000


def fairness(
    charter: Charter, pairs: Pairs, cohorts: pl.DataFrame, *, seed: int = 0
) -> tuple[tuple[FairnessResult, ...], tuple[GroupRate, ...]]:
    """Every measure over every protected cohort, and the rates by group that they rest on. See `gaps` for the method.

    Args:
        charter: protected cohorts, their minimum rows, costs and the margin of fairness.
        pairs: the n compared rows.
        cohorts: (n,) one text column per declared cohort.
        seed: of the draws.
    """
    protected = [cohort for cohort in charter.cohorts if cohort.protected]
    if not protected:
        return (), ()
    asked, results, shown = asked_of(charter, pairs), [], []
    for cohort in protected:
        if cohort.name not in cohorts.columns:
            results += _none(charter, cohort, asked, "its column is not among the compared rows any more")
            continue
        found, rates = _of_cohort(charter, cohort, pairs, cohorts[cohort.name], asked, seed)
        results += found
        shown += rates
    return tuple(_corrected(results)), tuple(shown)


def _of_cohort(
    charter: Charter, cohort: Cohort, pairs: Pairs, values: pl.Series, asked: Asked, seed: int
) -> tuple[list[FairnessResult], list[GroupRate]]:
    groups = protected_groups(cohort, values)
    units = pairs.units if len(groups.rows) == len(pairs) else pairs.units.take(groups.rows)
    if reason := _too_little(cohort, groups, units, asked):
        return [replace(one, left_out=groups.left_out) for one in _none(charter, cohort, asked, reason)], []
    sides = zip(*asked.rates.values(), strict=True)
    rates = rates_of([_part(rate, groups) for side in sides for rate in side], groups.codes, len(groups.names), units)
    blank = FairnessResult(
        cohort.name,
        "",
        Verdict.NOT_APPLICABLE,
        n=len(groups.rows),
        groups=len(groups.names),
        margin=charter.compare.fairness_margin,
        left_out=groups.left_out,
        threshold=asked.threshold,
    )
    found = [_measured(replace(blank, measure=name), asked, rates, groups, units, seed) for name in asked.measures]
    return found, list(_shown(cohort, asked, rates, groups))


def _part(rate: Rate, groups: Groups) -> Rate:
    open_ = None if rate.open is None else rate.open[groups.rows]
    return Rate(rate.value[groups.rows], rate.weight[groups.rows], rate.share, open_)


def _too_little(cohort: Cohort, groups: Groups, units: Units, asked: Asked) -> str:
    """Why no gap can be told; empty: it can."""
    if len(groups.names) < 2:
        only = f" ({groups.names[0]})" if groups.names else ""
        word = "group" if groups.names else "groups"
        return f"{len(groups.names)} {word}{only} with {cohort.min_rows:,} rows or more; a gap needs two"
    if units.count < MIN_UNITS:
        return f"{units.count} {units.name}; an interval needs {MIN_UNITS}"
    size = 2 * len(asked.rates) * len(groups.names)
    if size > MAX_RATES:
        return (
            f"{size:,} rates of groups and classes; at most {MAX_RATES:,} are compared at once, so lower its max_values"
        )
    return ""


def _none(charter: Charter, cohort: Cohort, asked: Asked, reason: str) -> list[FairnessResult]:
    margin = charter.compare.fairness_margin
    return [
        FairnessResult(
            cohort.name, name, Verdict.NOT_APPLICABLE, margin=margin, threshold=asked.threshold, reason=reason
        )
        for name in asked.measures
    ]


def _measured(
    blank: FairnessResult, asked: Asked, rates: Rates, groups: Groups, units: Units, seed: int
) -> FairnessResult:
    which = [list(asked.rates).index(name) for name in asked.measures[blank.measure]]
    enough = np.flatnonzero((rates.counts[which] >= MIN_SIDE).all(axis=0))
    small = [name for place, name in enumerate(groups.names) if place not in enough]
    if small:
        few = f"{', '.join(small[:5])}{f' and {len(small) - 5} more' if len(small) > 5 else ''} (under {MIN_SIDE} rows of a class)"
        blank = replace(blank, left_out=f"{blank.left_out}; {few}" if blank.left_out else few)
    if len(enough) < 2:
        return replace(
            blank, reason=f"{len(enough)} groups with {MIN_SIDE} rows of each class or more; a gap needs two"
        )
    champion, challenger, change = gaps_of(rates, which, enough, seed)
    most, least = extremes(rates, [place + len(asked.rates) for place in which], enough)
    found = replace(
        blank,
        groups=len(enough),
        champion=champion.value,
        champion_low=champion.ci_low,
        champion_high=champion.ci_high,
        challenger=challenger.value,
        challenger_low=challenger.ci_low,
        challenger_high=challenger.ci_high,
        difference=change.value,
        ci_low=change.ci_low,
        ci_high=change.ci_high,
        se=change.se,
        p_worse=change.p_worse,
        bound_low=change.bound_low if change.bound_low != change.bound_high else None,
        bound_high=change.bound_high if change.bound_low != change.bound_high else None,
        most=groups.names[most],
        least=groups.names[least],
        method=f"intersection bounds over pairs of groups, {units.count:,} {units.name}",
    )
    return _judged(found, change)


def _judged(found: FairnessResult, change: Gap) -> FairnessResult:
    margin = found.margin
    if margin is None and change.ci_low == change.ci_high == 0:
        return replace(found, verdict=Verdict.NOT_WORSE)
    said = verdict(change.ci_low, change.ci_high, margin or 0.0)
    # More rows do not narrow what missing labels leave open.
    left = (margin or 0.0) - ((found.bound_high or 0.0) - (found.bound_low or 0.0))
    needed = left > 0 and said is Verdict.INCONCLUSIVE
    return replace(found, verdict=said, rows_needed=rows_needed(found.n, change.se, left) if needed else None)


def _corrected(results: Sequence[FairnessResult]) -> Iterator[FairnessResult]:
    """`worse` said of one gap among many stays only where Benjamini–Hochberg over all of them upholds it."""
    tested = [one for one in results if one.p_worse is not None]
    upheld = dict(zip(map(id, tested), rejected([one.p_worse or 0.0 for one in tested]), strict=True))
    reason = f"wider on its own, but not beyond what {len(tested)} gaps show by chance (Benjamini–Hochberg)"
    for one in results:
        softened = one.verdict is Verdict.WORSE and not upheld[id(one)]
        yield replace(one, verdict=Verdict.INCONCLUSIVE, reason=reason) if softened else one


def _shown(cohort: Cohort, asked: Asked, rates: Rates, groups: Groups) -> Iterator[GroupRate]:
    names = list(asked.rates)
    for place, value in enumerate(groups.names):
        for name in asked.shown:
            own = names.index(name)
            n = int(rates.counts[own, place])
            first, second = (float(rates.values[rate, place]) for rate in (own, own + len(names)))
            yield GroupRate(cohort.name, value, name, n, first if n else None, second if n else None)
