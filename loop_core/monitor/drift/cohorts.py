"""Drift in one part of the rows: of each feature, the cohort value in which it moved most, if any did beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import COHORTS_SPENT, HIGHEST_LEVEL, AlarmRule, corrected
from loop_core.monitor.drift.evidence import Evidence, evidence_of
from loop_core.monitor.drift.judge import too_small
from loop_core.monitor.drift.psi import Psi
from loop_core.monitor.drift.scores import DriftScore, with_every_window
from loop_core.monitor.drift.threshold import Chance
from loop_core.monitor.profiles import Counts, Series
from loop_core.monitor.profiles.cohorts import cohort_series
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class CohortDrift:
    """A feature that drifted in some cohort values."""

    score: DriftScore
    """The cohort value with the strongest evidence, of those that moved by more than the charter's `min_shift`; `watch`: none
    did."""
    others: int
    """Further cohort values, of any cohort, in which it drifted too."""


def cohort_drift(loop: Loop, as_of: datetime) -> list[CohortDrift]:
    """Features, and the score, that drifted in the newest window in at least one value of a declared cohort; by name.

    Each value is compared with its own reference, by PSI and with persistence as for everybody. The evidence of all
    values of all cohorts of a feature becomes one p-value (Simes), and Benjamini–Hochberg over the features keeps the
    false ones to a share of the charter's budget of its own, whatever the number of cohorts and values.

    Source: Simes 1986; Benjamini & Bogomolov 2014, "Selective inference on multiple families of hypotheses".
    """
    plan = loop.charter.monitor
    windows = Windows.at(as_of, plan.window_days)
    return drifted(
        plan, with_every_window(cohort_series(loop, as_of, weeks=plan.alarm_of, min_rows=plan.min_rows), windows)
    )


def drifted(plan: MonitorPlan, found: Sequence[Series]) -> list[CohortDrift]:
    """The same of series of cohort values that have the same windows; the newest one is judged."""
    judged = [s for s in found if min(s.counts[-1].sum(), s.reference.sum()) >= plan.min_rows]
    sizes = {name: sum(series.column == name for series in judged) for name in sorted({s.column for s in judged})}
    rule = AlarmRule.of_plan(plan, COHORTS_SPENT)
    close = _close(judged, sizes, rule)
    if not close:
        return []
    evidence = evidence_of(plan, close, Psi(), rule)
    newest = np.where(evidence.careful[:, -1] <= HIGHEST_LEVEL, evidence.evidence[:, -1], 1.0)
    q_values = _by_feature(close, newest, sizes)
    kept = [name for name, q in q_values.items() if q <= rule.false_discovery_rate]
    cut = rule.false_discovery_rate * len(kept) / len(sizes)
    tested = _Tested(plan, close, newest, evidence)
    return [tested.drift(name, sizes[name], cut, q_values[name]) for name in kept]


def _close(judged: Sequence[Series], sizes: Mapping[str, int], rule: AlarmRule) -> list[Series]:
    """Those worth a closer look: the cells of features that could alarm if each of their last windows had moved as far as
    the newest one. Most weeks there are none, and nothing has to be drawn."""
    if not judged:
        return []
    least = _least_chances(judged)
    shared = np.array([s.counts[-1].sum() / (s.counts[-1].sum() + s.reference.sum()) for s in judged])
    best = rule.evidence(np.repeat(least[:, None], rule.of, axis=1), np.repeat(shared[:, None], rule.of, axis=1))[:, -1]
    found = _by_feature(judged, np.where(least <= HIGHEST_LEVEL, best, 1.0), sizes)
    cells = zip(judged, least, strict=True)
    return [s for s, p in cells if p <= HIGHEST_LEVEL and found[s.column] <= rule.false_discovery_rate]


def _least_chances(judged: Sequence[Series]) -> Counts:
    """(S,) what the chance of the newest window's PSI is at the least: that of a chi-squared variable of the mean that a
    quiet window has, as if the column swung in all directions alike. Those beyond `HIGHEST_LEVEL` by noise alone keep it."""
    from scipy.special import gammaincc

    values, means, bins = _values(judged)
    chances: Counts = gammaincc(bins / 2, bins * values / means / 2)
    for k in np.flatnonzero(chances <= HIGHEST_LEVEL).tolist():
        chance, series = Chance(Psi(), judged[k].binning, judged[k].reference), judged[k]
        mean = float(chance.spread.at(int(series.counts[-1].sum())))
        chances[k] = gammaincc(bins[k] / 2, bins[k] * values[k] / max(mean, means[k]) / 2)
    return chances


def _values(judged: Sequence[Series]) -> tuple[Counts, Counts, Counts]:
    """(S,) PSI of the newest windows, what sampling noise makes on average, and degrees of freedom."""
    values, means, bins = np.zeros((3, len(judged)))
    for width in {series.counts.shape[1] for series in judged}:
        places = [k for k, series in enumerate(judged) if series.counts.shape[1] == width]
        usual = np.stack([judged[k].reference.sum(axis=0) for k in places])
        now = np.stack([judged[k].counts[-1] for k in places])
        values[places] = Psi().binned(usual, now, judged[places[0]].binning)
        bins[places] = np.maximum(np.count_nonzero(usual + now, axis=1) - 1, 1)
        means[places] = bins[places] * (1 / usual.sum(axis=1) + 1 / now.sum(axis=1))
    return values, means, bins


def _by_feature(found: Sequence[Series], evidence: Counts, sizes: Mapping[str, int]) -> dict[str, float]:
    """Feature → its Simes p-value, corrected for the number of features."""
    simes = np.array([_simes(_of(name, found, evidence), cells) for name, cells in sizes.items()])
    return dict(zip(sizes, map(float, corrected(simes)), strict=True))


def _of(name: str, found: Sequence[Series], evidence: Counts) -> Counts:
    return evidence[[series.column == name for series in found]]


def _simes(evidence: Counts, cells: int) -> float:
    """One p-value of several: the smallest of p₍ᵢ₎ · m / i; those that were not looked at are 1."""
    ordered = np.sort(evidence[np.isfinite(evidence)])
    return float(np.min(ordered * cells / np.arange(1, len(ordered) + 1), initial=1.0))


@dataclass(frozen=True)
class _Tested:
    """Cells that were looked at closely, and what is upheld of them."""

    plan: MonitorPlan
    close: Sequence[Series]
    newest: Counts
    """(S,) evidence of each in the newest window."""
    evidence: Evidence

    def drift(self, name: str, cells: int, cut: float, q_value: float) -> CohortDrift:
        """Of one feature with so many cells in all, upheld where the evidence is at most `cut` by Benjamini & Hochberg."""
        mine = sorted(
            (k for k, s in enumerate(self.close) if s.column == name and np.isfinite(self.newest[k])), key=self._order
        )
        ranks = np.arange(1, len(mine) + 1)
        upheld = int(max(ranks[self.newest[mine] <= cut * ranks / cells], default=1))
        large = [k for k in mine[:upheld] if self.evidence.sizes[k, -1] > self.plan.min_shift**2]
        told = large or mine[:upheld]
        threshold = self.evidence.threshold(told[0], cut * upheld / cells)
        return CohortDrift(self._score(told[0], threshold, q_value, bool(large)), len(told) - 1)

    def _order(self, place: int) -> tuple[float, float]:
        return self.newest[place], -self.evidence.values[place, -1]

    def _score(self, place: int, threshold: float, q_value: float, is_large: bool) -> DriftScore:
        series = self.close[place]
        return DriftScore(
            feature=series.column,
            method="psi",
            window_start=series.spans[-1][0],
            window_end=series.spans[-1][1],
            cohort=series.cohort,
            cohort_value=series.cohort_value,
            value=float(self.evidence.values[place, -1]),
            threshold=threshold,
            p_value=float(self.evidence.p_values[place, -1]),
            q_value=q_value,
            folklore=Psi().folklore,
            n_reference=int(series.reference.sum()),
            n_current=int(series.counts[-1].sum()),
            state=State.ALARM if is_large else State.WATCH,
            reason="" if is_large else too_small(self.plan),
            is_answer=series.is_answer,
            expected_by_chance=float(self.evidence.by_chance[place, -1]),
        )
