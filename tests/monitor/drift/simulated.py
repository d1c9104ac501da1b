"""Loops in which it is known what happened: windows of counts as the profiles would hold them, without the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.stats import norm

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.judge import Verdicts, judge
from loop_core.monitor.drift.registry import METHODS
from loop_core.monitor.profiles import Binning, CategoryBins, Counts, NumberBins, Series
from loop_core.monitor.profiles.binning import DECADES, LEVELS

START = datetime(2026, 1, 1, tzinfo=UTC)
#: Windows of the reference, 90 days in whole weeks.
REFERENCE = 13
FEATURES, NUMBERS = 40, 28
#: Shares of the categories of every third feature.
ZIPF = (1 / np.arange(1, 13) ** 1.2) / (1 / np.arange(1, 13) ** 1.2).sum()


@dataclass(frozen=True)
class Rates:
    """What a quiet loop said."""

    alarms_a_month: float
    """Cells in alarm."""
    months: float
    folklore_share: float
    """Share of windows of a single feature over 0.1, as the trade bins: ten quantile bins."""


def series(name: str, bins: Binning, reference: Counts, counts: Counts) -> Series:
    """One feature of everybody."""
    end = START + timedelta(days=7 * len(reference))
    numbers = tuple(range(1 - len(counts), 1))
    spans = tuple((end + timedelta(days=7 * k), end + timedelta(days=7 * k + 7)) for k in range(len(counts)))
    return Series(name, None, None, bins, START, end, reference, numbers, spans, counts, None, None)


def number(
    rng: np.random.Generator, n: int, windows: int, shifts: Counts | None = None
) -> tuple[Binning, Counts, Counts]:
    """A normal feature: its bins are the quantiles of a reference of REFERENCE · n rows; `shifts` (W,) in its standard
    deviations moves each window."""
    rows = REFERENCE * n
    below = np.ceil(np.array(LEVELS) * rows - 1e-9)
    gaps = rng.standard_gamma(np.diff(below, prepend=0, append=rows))
    bins = NumberBins(tuple(norm.ppf(np.cumsum(gaps / gaps.sum())[:-1]))).with_decades(0.0)
    edges = np.array(bins.edges)
    moved = np.zeros(windows) if shifts is None else shifts
    chances = np.diff(norm.cdf(edges - moved[:, None]), axis=1, prepend=0, append=1)
    usual = np.pad(np.diff(below, prepend=0, append=rows), DECADES)
    reference = _dealt(rng, usual, n)
    return bins, _with_null(reference), _with_null(rng.multinomial(n, chances))


def category(rng: np.random.Generator, n: int, windows: int) -> tuple[Binning, Counts, Counts]:
    """Twelve quiet categories."""
    empty = [(0, 0), (0, 3)]
    bins = CategoryBins(tuple(f"c{k}" for k in range(12)), frozenset())
    reference = np.pad(rng.multinomial(n, ZIPF, size=REFERENCE).astype(float), empty)
    return bins, reference, np.pad(rng.multinomial(n, ZIPF, size=windows).astype(float), empty)


def quiet_features(rng: np.random.Generator, n: int, windows: int) -> list[Series]:
    """FEATURES quiet ones."""
    made = (number if k < NUMBERS else category for k in range(FEATURES))
    return [series(f"f{k}", *make(rng, n, windows)) for k, make in enumerate(made)]


def moving_feature(rng: np.random.Generator, kind: str, n: int, windows: int) -> tuple[Binning, Counts, Counts]:
    """A normal feature whose mean never stands still, in its reference or after.

    Args:
        kind: `mean` jumps at random by 0.1 standard deviations each window; `steady` goes on by 0.3 in as long as the reference lasts.
    """
    every = np.arange(REFERENCE + windows)
    means = 0.1 * rng.normal(size=len(every)) if kind == "mean" else 0.3 * every / REFERENCE
    bins = NumberBins(tuple(norm.ppf(LEVELS) + means[:REFERENCE].mean())).with_decades(means[:REFERENCE].mean())
    edges = np.array(bins.edges)
    chances = np.diff(norm.cdf(edges - means[:, None]), axis=1, prepend=0, append=1)
    counts = _with_null(rng.multinomial(n, chances))
    return bins, counts[:REFERENCE], counts[REFERENCE:]


def quiet_rates(
    n: int, loops: int, *, windows: int = 26, method: str = "psi", seed: int = 0, moving: tuple[int, str] = (0, "mean")
) -> Rates:
    """Alarms of quiet loops with windows of n rows, under the default charter's budget of 1 a month.

    Args:
        moving: so many of the features are `moving_feature`s of that kind.
    """
    rng, plan = np.random.default_rng(seed), MonitorPlan()
    alarms = counted = 0
    for _ in range(loops):
        length = windows + plan.alarm_of - 1
        found = quiet_features(rng, n, length)
        for k in range(moving[0]):
            found[k] = series(f"f{k}", *moving_feature(rng, moving[1], n, length))
        verdicts = judge(plan, found, METHODS[method])
        alarms += int(verdicts.alarms[:, plan.alarm_of - 1 :].sum())
        counted += windows
    months = counted * plan.window_days / 30.436875
    return Rates(alarms / months, months, folklore_share(rng, n))


def folklore_share(rng: np.random.Generator, n: int, times: int = 400) -> float:
    """Share of quiet windows of one feature whose PSI in ten equal bins is over 0.1."""
    reference = rng.multinomial(REFERENCE * n, np.full(10, 0.1), size=times).astype(float)
    values = METHODS["psi"].binned(
        reference, rng.multinomial(n, np.full(10, 0.1), size=times).astype(float), NumberBins(())
    )
    return float((values > 0.1).mean())


def equal_width_share(rng: np.random.Generator, n: int, bins: int | str, times: int = 400) -> float:
    """The same with bins as reports of the trade cut them: equally wide over a reference of 1,000 normal rows, so that the
    outer ones hold a row or none, and empty bins taken for a share of 0.0001.

    Args:
        bins: how many, or the name of NumPy's rule for it.
    """
    over = 0
    for _ in range(times):
        usual, now = rng.normal(size=1_000), rng.normal(size=n)
        edges = np.histogram_bin_edges(usual, bins)
        edges[0], edges[-1] = -np.inf, np.inf
        r, c = (np.histogram(rows, edges)[0] / len(rows) for rows in (usual, now))
        r, c = np.where(r == 0, 1e-4, r), np.where(c == 0, 1e-4, c)
        over += bool(((c - r) * np.log(c / r)).sum() > 0.1)
    return over / times


def told_apart(runs: int, n: int, *, swing: float = 0.0, together: float = 0.6, seed: int = 0) -> float:
    """Share of runs in which the domain classifier says that a window of n rows differs from eight before it.

    Args:
        swing: standard deviation by which the means of all six features differ from window to window.
        together: correlation of the first two in the window; it was 0.6 before.
    """
    import polars as pl

    from loop_core.charter import Column
    from loop_core.monitor.drift.domain import separate
    from loop_core.vocabulary import State

    rng, names = np.random.default_rng(seed), [f"f{k}" for k in range(6)]

    def window(correlation: float) -> pl.DataFrame:
        rows = rng.normal(size=(n, 6)) + swing * rng.normal(size=6)
        rows[:, 1] = correlation * rows[:, 0] + np.sqrt(1 - correlation**2) * rows[:, 1]
        return pl.DataFrame(rows, schema=names)

    columns = [Column(name=name, type="number") for name in names]
    told = [separate([window(0.6) for _ in range(8)], window(together), columns, seed=run) for run in range(runs)]
    return sum(one.state is State.WATCH for one in told) / runs


def found_within(times: int, n: int, runs: int, change: str, *, method: str = "psi", seed: int = 0) -> float:
    """Share of runs in which one changed feature of FEATURES is in alarm within so many windows.

    Args:
        change: `shift` of 0.3 standard deviations, or `mass`: 10 % goes from one category to another.
    """
    rng, plan = np.random.default_rng(seed), MonitorPlan()
    # The quiet ones are the same in all runs, because what chance does to them was learned once.
    quiet, found = quiet_features(rng, n, times + 2), 0
    for _ in range(runs):
        changed = series("changed", *_CHANGES[change](rng, n, times))
        found += bool(judge(plan, [*quiet[1:], changed], METHODS[method]).alarms[-1, 2:].any())
    return found / runs


def _shifted(rng: np.random.Generator, n: int, windows: int) -> tuple[Binning, Counts, Counts]:
    return number(rng, n, windows + 2, np.r_[0.0, 0.0, np.full(windows, 0.3)])


def _massed(rng: np.random.Generator, n: int, windows: int) -> tuple[Binning, Counts, Counts]:
    bins, reference, before = category(rng, n, 2)
    now = ZIPF.copy()
    now[0], now[2] = now[0] - 0.1, now[2] + 0.1
    after = np.pad(rng.multinomial(n, now, size=windows).astype(float), [(0, 0), (0, 3)])
    return bins, reference, np.vstack([before, after])


#: Two quiet windows, and then so many in which something changed.
_CHANGES = {"shift": _shifted, "mass": _massed}


def verdicts_of(found: list[Series], method: str = "psi", plan: MonitorPlan | None = None) -> Verdicts:
    """Judged under the default charter."""
    return judge(plan or MonitorPlan(), found, METHODS[method])


def _dealt(rng: np.random.Generator, usual: Counts, n: int) -> Counts:
    """The reference's rows dealt to its windows, n each."""
    left, windows = usual.astype(np.int64), []
    for _ in range(REFERENCE - 1):
        windows.append(rng.multivariate_hypergeometric(left, n, method="marginals"))
        left = left - windows[-1]
    return np.array([*windows, left])


def _with_null(counts: Counts) -> Counts:
    return np.pad(counts.astype(float), [(0, 0), (0, 1)])
