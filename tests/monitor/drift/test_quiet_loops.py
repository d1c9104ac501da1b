"""Statistics tested as statistics, seeded: quiet loops keep to their budget at every window size, real changes are found.
The long form is `python -m tests.bench alarms`."""

from __future__ import annotations

import numpy as np
import pytest

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift import METHODS
from loop_core.monitor.drift.base import size_beyond_chance
from loop_core.monitor.drift.evidence import ONE_WINDOW, SLOW
from loop_core.monitor.drift.threshold import Chance, Chances
from loop_core.monitor.profiles.learn import edges_of
from loop_core.vocabulary import State
from tests.monitor.drift.simulated import (
    category,
    found_within,
    moving_feature,
    number,
    quiet_rates,
    series,
    verdicts_of,
)


@pytest.mark.parametrize("n", [100, 1_000, 100_000])
def test_a_quiet_loop_of_40_features_alarms_at_most_once_a_month(n):
    rates = quiet_rates(n, loops=3, seed=n)
    # Binomial error: in so many months one a month would be seen this often in one of a thousand runs at most.
    assert rates.alarms_a_month <= 1 + 3 / np.sqrt(rates.months)
    assert (rates.folklore_share > 0.3) if n == 100 else (rates.folklore_share == 0)


@pytest.mark.parametrize("change", ["shift", "mass"])
def test_a_change_of_one_feature_of_40_is_found_within_two_windows(change):
    assert found_within(2, 2_000, 20, change, seed=1) >= 0.95


@pytest.mark.parametrize(
    ("method", "make"),
    [(m, number) for m in METHODS if m != "unseen"]
    + [(m, category) for m in METHODS if m not in ("binned_wasserstein", "kolmogorov_smirnov")],
)
def test_p_values_of_every_measure_hold_into_the_tail(method, make):
    rng, found = np.random.default_rng(9), []
    for _ in range(30):
        bins, reference, counts = make(rng, 500, 40)
        values = METHODS[method].binned(reference.sum(axis=0), counts, bins)
        chances = Chances([Chance(METHODS[method], bins, reference)], np.full((1, 40), 500))
        found.append(chances.p_values(values[None]))
    p_values = np.concatenate(found).ravel()
    for level, most in ((0.05, 1.35), (0.01, 1.7), (0.002, 3.5)):
        assert (p_values <= level).mean() <= most * level + 2 * np.sqrt(level / len(p_values))


@pytest.mark.parametrize("kind", ["mean", "steady"])
def test_columns_that_never_stand_still_keep_to_the_budget_too(kind):
    rates = quiet_rates(1_000, loops=3, seed=2, moving=(8, kind))
    assert rates.alarms_a_month <= 1 + 3 / np.sqrt(rates.months)


def test_a_column_that_moves_steadily_says_so_and_still_alarms_where_it_leaps():
    rng = np.random.default_rng(3)
    bins, reference, counts = moving_feature(rng, "steady", 2_000, 8)
    leapt = counts.copy()
    leapt[-2:] = np.roll(counts[-2:], 9, axis=1)
    calm, wild = (verdicts_of([series("x", bins, reference, c)]) for c in (counts, leapt))
    assert calm.said(0)[-1] == (State.WATCH, SLOW)
    assert wild.said(0)[-1][0] is State.ALARM


def test_a_reference_of_one_window_watches_and_does_not_alarm():
    bins, reference, counts = number(np.random.default_rng(4), 2_000, 3, np.full(3, 1.0))
    found = verdicts_of([series("x", bins, reference[:1], counts)])
    assert [state for state, _ in found.said(0)] == [State.WATCH] * 3
    assert found.cautions == [ONE_WINDOW]


def test_a_shift_that_is_certain_but_small_is_watched_and_said_to_be_so():
    moved = [0.0, 0.03, 0.03]
    found = [series("x", *number(np.random.default_rng(5), 60_000, 3, np.array(moved)))]
    state, reason = verdicts_of(found).said(0)[-1]
    assert state is State.WATCH
    assert (
        reason
        == "Certain but too small to matter: less than a shift of 0.1 standard deviations (min_shift in the charter)."
    )
    assert verdicts_of(found, plan=MonitorPlan(min_shift=0.01)).said(0)[-1] == (State.ALARM, "")
    assert verdicts_of(found, plan=MonitorPlan(min_shift=0)).said(0)[-1] == (State.ALARM, "")
    larger = [series("x", *number(np.random.default_rng(5), 60_000, 3, np.array([0.0, 0.13, 0.13])))]
    assert verdicts_of(larger).said(0)[-1] == (State.ALARM, "")


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("missing", "unseen")])
def test_the_size_of_a_normal_shift_is_its_square_by_every_measure_and_of_none_about_nothing(method):
    measure, rng = METHODS[method], np.random.default_rng(6)
    for shift in (0.0, 0.2):
        bins, reference, counts = number(rng, 5_000, 40, np.full(40, shift))
        usual = reference.sum(axis=0)
        values, chance = measure.binned(usual, counts, bins), measure.by_chance(usual, counts, bins)
        sizes = size_beyond_chance(measure, values, chance, usual, counts)
        # The middles of bins stand for their rows, which makes distances a tenth too small.
        assert sizes.mean() == pytest.approx(shift**2, rel=0.2 if method == "binned_wasserstein" else 0.1, abs=0.001)


@pytest.mark.parametrize(
    ("method", "make"),
    [(m, number) for m in METHODS if m != "unseen"] + [(m, category) for m in ("psi", "chi_squared", "jensen_shannon")],
)
def test_what_chance_gives_is_the_mean_of_quiet_windows(method, make):
    measure, rng = METHODS[method], np.random.default_rng(7)
    bins, reference, counts = make(rng, 1_000, 400)
    if method == "missing":
        for table in (reference, counts):
            table[:, -1] = rng.binomial(1_000, 0.05, size=len(table))
    usual = reference.sum(axis=0)
    values, chance = measure.binned(usual, counts, bins), measure.by_chance(usual, counts, bins)
    # The Kolmogorov-Smirnov distance at the edges alone is a little less than the distance.
    assert values.mean() == pytest.approx(chance.mean(), rel=0.2)


def _zeros_and_a_tail(rng, n, factor):
    return np.where(rng.random(n) < 0.03, factor * rng.lognormal(3, 0.5, n), 0.0)


def _tail(rng, n, factor):
    rows = rng.lognormal(3, 0.5, n)
    return np.where(rows > np.quantile(rows, 0.96), factor * rows, rows)


@pytest.mark.parametrize("make", [_zeros_and_a_tail, _tail])
@pytest.mark.parametrize("factor", [100, 1_000, -100])
def test_a_tail_that_grows_a_hundredfold_is_an_alarm_of_the_default_measure(make, factor):
    rng = np.random.default_rng(8)
    usual = [make(rng, 3_000, 1) for _ in range(13)]
    bins = edges_of(np.concatenate(usual))
    now = [bins.histogram(make(rng, 3_000, f)) for f in (1, 1, factor, factor)]
    found = verdicts_of([series("x", bins, np.stack([bins.histogram(rows) for rows in usual]), np.stack(now))])
    assert [state for state, _ in found.said(0)][-2:] == [State.ALARM, State.ALARM]
    assert State.ALARM not in [state for state, _ in found.said(0)][:2]


def test_how_far_a_row_lies_that_nobody_has_seen_is_not_made_up():
    """Else one imagined row beyond the reference would make quiet windows look far apart, and shifts would be missed."""
    rng = np.random.default_rng(9)
    bins, reference, counts = number(rng, 280, 3, np.array([0.0, 0.5, 0.5]))
    assert verdicts_of([series("x", bins, reference, counts)], "binned_wasserstein").said(0)[-1][0] is State.ALARM
