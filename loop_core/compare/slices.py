"""Slices nobody declared in which the challenger is worse: found on one half of the rows, confirmed on the other.

The field's tools report weak slices on the rows they searched, where the worst of ten thousand always looks bad. Here a
slice is reported only if rows that played no part in finding it say the same, beyond what the number of tries explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Metric
from loop_core.compare.conditions import SEARCHED, Bools, Cut, cut_columns
from loop_core.compare.groups import everybody
from loop_core.compare.metrics import METRICS, Terms
from loop_core.compare.metrics.answers import row_losses
from loop_core.compare.metrics.worst import extreme_labels
from loop_core.compare.scorecard import GateResult
from loop_core.compare.skewed import SkewedMean, skewed_mean
from loop_core.compare.slice_result import Slice, SliceSearch
from loop_core.compare.slice_search import Candidate, Choice, Floats, Ints, look, pick
from loop_core.compare.verdict import rejected, verdict
from loop_core.monitor.losses import OF_NUMBERS, ROW_LOSSES, of_mean
from loop_core.monitor.roc import MIN_CLASS_ROWS
from loop_core.vocabulary import Verdict

if TYPE_CHECKING:
    import polars as pl

    from loop_core.compare.pairing import Comparison

#: So many slices are tried on the confirming half, at most: each more makes the correction harder for all.
TRIED = 10
#: Below this many units in the confirming half no interval is honest.
MIN_UNITS = 20


def find_slices(charter: Charter, rows: Comparison, *, seed: int = 0, others: Floats | None = None) -> SliceSearch:
    """Slices of the compared rows in which the challenger is worse than the champion.

    A row's value is champion loss − challenger loss of the first goal or guardrail metric that adds up over rows. On one half
    of the units `slice_search` finds what stands out; on the other each of these is tested by itself, one-sided, clustered
    by entity and corrected for skewness. A slice is confirmed where Benjamini–Hochberg over all that were tried, at the
    level that holds however they overlap, rejects "not worse" – where everybody loses, "not worse than everybody" – and its
    interval says `worse` as a cohort's does: below zero, and not surely within the cohort margin. The point gap need not
    exceed the margin, as it need not for a cohort. Of confirmed slices that overlap only those are kept that are worse by
    what the surer ones do not explain: the shorter of two nested ones, unless the longer adds significantly.

    Args:
        charter: metrics, columns and `[compare]`.
        rows: the compared rows with their columns; without columns there is no search.
        seed: of the halves. An entity is always wholly in one half, and in the same one as long as the seed is.
        others: (n,) labels by which everybody is told, where they are not those of the slices: of rows that may have any label.

    Source: Sagadeeva & Boehm 2021 (SliceLine); Benjamini & Yekutieli 2001; Hall 1992 (see `skewed`).
    """
    plan, metric = charter.compare, _metric(charter)
    if metric is None:
        return SliceSearch(None, reason="no goal or guardrail metric adds up over rows")
    if rows.columns is None:
        return SliceSearch(metric.name, reason="the columns were not read")
    search = first_half(rows.keys, seed)
    least = plan.slice_min_rows
    found = SliceSearch(metric.name, n_search=int(search.sum()), n_confirm=int((~search).sum()), least=least)
    if min(found.n_search, found.n_confirm) < 2 * least:
        return replace(found, reason=f"{len(search):,} rows are too few for slices of {least} in each half")
    cuts = cut_columns(charter.columns, rows.columns, search, least)
    trial = _Trial(metric, Terms.of(charter, metric.name), rows, search, cuts, least, others)
    looked = look(trial.searched, trial.harms, plan.slice_depth, least)
    picked = pick(looked, trial.searched, trial.harms, trial.unit, TRIED, trial.choose)
    slices = trial.confirmed(picked, plan.slice_fdr)
    return replace(found, slices=slices, columns=len(cuts), looked=looked.count, tried=len(picked))


def bounded_slices(charter: Charter, rows: Comparison, *, seed: int = 0) -> tuple[SliceSearch, SliceSearch] | None:
    """(what is confirmed if rows without label had those worst for the challenger, if they had those best for it); None: every
    row has its label.

    Everybody, beyond whom a slice must be worse, has the opposite labels: so a slice that is found in the second is worse
    whatever the labels are, and where the first finds none there is none.

    Args:
        charter, seed: as in `find_slices`.
        rows: the compared rows.
    """
    metric, open_ = _metric(charter), rows.open
    if metric is None or open_ is None:
        return None
    pairs = open_.pairs
    labels = extreme_labels(METRICS[metric.name], pairs, everybody(len(pairs)), Terms.of(charter, metric.name))
    if labels is None:
        return None
    worst, best = (
        find_slices(charter, replace(open_, pairs=pairs.labelled(own)), seed=seed, others=others)
        for own, others in (labels, labels[::-1])
    )
    return worst, best


def slice_gates(
    charter: Charter, search: SliceSearch | None, bounded: tuple[SliceSearch, SliceSearch] | None = None
) -> tuple[GateResult, ...]:
    """The gate `no slice worse`; none where the charter does not gate by slices or there was no search.

    Args:
        charter: of the loop.
        search: over the rows with a label.
        bounded: over all rows, see `bounded_slices`; None: every row has its label.
    """
    if search is None or charter.compare.slices != "gate":
        return ()
    if bounded is not None:
        worst, best = bounded
        if best.slices:
            search = best
        elif worst.slices:
            sentence = f"{search.sentence} With the labels worst for the challenger: {worst.sentence}"
            step = "find labels for rows that never got one, or let people decide"
            return (GateResult("no slice worse", "held", sentence, step),)
        else:
            search = worst
    if search.slices:
        step = "train with more weight on these rows; declare as a cohort what must not lose again"
        return (GateResult("no slice worse", "blocked", search.sentence, step),)
    return (GateResult("no slice worse", "passed", search.sentence, ""),)


def slice_notes(charter: Charter, search: SliceSearch | None) -> tuple[str, ...]:
    """What a search came to, where no gate says it."""
    return () if search is None or charter.compare.slices == "gate" else (search.sentence,)


def _metric(charter: Charter) -> Metric | None:
    """By which rows are compared: the first goal or guardrail that adds up over them."""
    return next((m for m in charter.metrics if m.block != "signal" and m.name in ROW_LOSSES), None)


def searched_columns(charter: Charter) -> tuple[str, ...]:
    """Columns that a search needs beside the compared rows; none where the charter wants no slices."""
    if charter.compare.slices == "off":
        return ()
    return tuple(column.name for column in charter.columns if column.type in SEARCHED)


def first_half(keys: npt.NDArray[np.uint64], seed: int) -> Bools:
    """(n,) True for rows of the searching half, by a hash of each row's key: rows of one key are never parted.

    The mixing function is splitmix64 (Steele, Lea & Flood 2014).

    >>> half = first_half(np.arange(10_000, dtype=np.uint64), seed=0)
    >>> bool(abs(half.mean() - 0.5) < 0.02)
    True
    """
    with np.errstate(over="ignore"):
        mixed = keys.astype(np.uint64) + np.uint64((0x9E3779B97F4A7C15 * (seed + 1)) % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(63) == 0)


@dataclass(frozen=True)
class _Tested:
    """A slice on the confirming half, in the metric's unit."""

    n: int
    gap: float
    low: float
    high: float
    p: float
    champion: float
    challenger: float


class _Trial:
    """The rows of one search: harm on the searching half, losses and tests on the other."""

    def __init__(
        self,
        metric: Metric,
        terms: Terms,
        rows: Comparison,
        search: Bools,
        cuts: Sequence[Cut],
        least: int,
        others: Floats | None,
    ) -> None:
        pairs = rows.pairs
        self._metric, self._search, self._cuts, self._least = metric, search, cuts, least
        self._labels, self._units, self._cohorts = pairs.labels, pairs.units, rows.cohorts
        self._first = row_losses(metric.name, pairs.labels, pairs.champion, terms)
        self._second = row_losses(metric.name, pairs.labels, pairs.challenger, terms)
        self.searched = [replace(cut, codes=cut.codes[search]) for cut in cuts]
        """The cuts of the searching half."""
        self.unit: Ints | None = None if pairs.units.codes is None else pairs.units.codes[search]
        gaps = all_ = self._first - self._second
        if others is not None:
            first, second = (row_losses(metric.name, others, s, terms) for s in (pairs.champion, pairs.challenger))
            all_ = first - second
        self._beyond: Floats = gaps - min(float(all_[~search].mean()), 0.0)
        """Gaps beyond everybody's, likewise, on the confirming half."""
        harms = -gaps[search]
        self.harms: Floats = harms + min(float(all_[search].mean()), 0.0)
        """Harm beyond everybody's: where all lose alike no slice stands out, and where all gain, a slice must lose."""

    def choose(self, one: Candidate) -> Choice:
        """Whether a slice can be tried: rows, units and classes enough in both halves, and not a declared cohort."""
        inside = one.rows(self._cuts)
        confirming = np.flatnonzero(inside & ~self._search)
        if len(confirming) < self._least or self._units.take(confirming).count < MIN_UNITS:
            return "pass"
        if not all(self._has_classes(half) for half in (confirming, np.flatnonzero(inside & self._search))):
            return "pass"
        return "known" if _is_declared(inside, self._cohorts) else "pick"

    def _has_classes(self, rows: Ints) -> bool:
        """With hardly a row of another class, whichever model says less of it wins, with next to no spread."""
        if self._metric.name in OF_NUMBERS:
            return True
        counts = np.bincount(self._labels[rows].astype(np.int64))
        return bool(len(rows) - counts.max() >= MIN_CLASS_ROWS)

    def confirmed(self, picked: Sequence[Candidate], fdr: float) -> tuple[Slice, ...]:
        """Those that the other half confirms, the surest first, each for harm that those before it do not explain."""
        inside = [one.rows(self._cuts) for one in picked]
        tested = [self._tested(np.flatnonzero(rows & ~self._search)) for rows in inside]
        margin = self._metric.margin_for("slice")
        # Slices overlap as they like, so the share is kept under any dependence (Benjamini & Yekutieli 2001).
        level = fdr / sum(1 / k for k in range(1, len(tested) + 1)) if tested else fdr
        upheld = rejected([one.p for one in tested], level)
        worse = [k for k, one in enumerate(tested) if upheld[k] and verdict(one.low, one.high, margin) is Verdict.WORSE]
        worse.sort(key=lambda k: (tested[k].p, k))
        kept = self._distinct(worse, inside, fdr)
        return tuple(self._slice(f"s{i}", picked[k], inside[k], tested[k], margin) for i, k in enumerate(kept, 1))

    def _distinct(self, worse: Sequence[int], inside: Sequence[Bools], fdr: float) -> list[int]:
        gaps = self._beyond.copy()
        kept: list[int] = []
        for k in worse:
            rows = np.flatnonzero(inside[k] & ~self._search)
            if kept and self._mean(gaps[rows], rows).p_below > fdr / len(worse):
                continue
            kept.append(k)
            gaps[rows] -= gaps[rows].mean()
        return kept

    def _mean(self, gaps: Floats, rows: Ints) -> SkewedMean:
        return skewed_mean(gaps, self._units.take(rows))

    def _tested(self, rows: Ints) -> _Tested:
        first, second = self._first[rows], self._second[rows]
        found, beyond = self._mean(first - second, rows), self._mean(self._beyond[rows], rows)
        values, unit = _in_unit(self._metric.name, float(first.mean()), float(second.mean()))
        return _Tested(len(rows), found.mean * unit, found.ci_low * unit, found.ci_high * unit, beyond.p_below, *values)

    def _slice(self, name: str, one: Candidate, inside: Bools, found: _Tested, margin: float) -> Slice:
        conditions, rows = one.conditions(self._cuts), inside & self._search
        means = float(self._first[rows].mean()), float(self._second[rows].mean())
        return Slice(
            id=name,
            text=" and ".join(condition.text for condition in conditions),
            sql=" and ".join(condition.sql for condition in conditions),
            columns=tuple(self._cuts[cut].column for cut, _ in one.places),
            metric=self._metric.name,
            n_search=int(rows.sum()),
            gap_search=(means[0] - means[1]) * _in_unit(self._metric.name, *means)[1],
            n=found.n,
            gap=found.gap,
            ci_low=found.low,
            ci_high=found.high,
            p=found.p,
            champion=found.champion,
            challenger=found.challenger,
            margin=margin,
            share=float(inside.mean()),
        )


def _in_unit(metric: str, first: float, second: float) -> tuple[tuple[float, float], float]:
    """Mean losses of both models → (their values, how much of the metric one unit of loss between them is)."""
    values = [of_mean(metric, np.float64(mean)) for mean in (first, second)]  # type: ignore[arg-type]
    (a, slope), (b, _) = ((float(value), float(slope)) for value, slope in values)
    return (a, b), abs((a - b) / (first - second)) if first != second else abs(slope)


def _is_declared(inside: Bools, cohorts: pl.DataFrame) -> bool:
    """Whether these are exactly the rows of one value of a declared cohort."""
    place = int(inside.argmax())
    return any(np.array_equal((column == column[place]).to_numpy(), inside) for column in cohorts)
