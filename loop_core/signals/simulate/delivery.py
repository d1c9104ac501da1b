"""What was promised and what came: the cause of lateness, and when each answer becomes a fact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.signals.simulate import world
from loop_core.signals.simulate.orders import Orders, season
from loop_core.signals.simulate.scenario import Scenario
from loop_core.signals.simulate.world import Sellers

#: Scatter of the log of a delivery time that nothing observed explains.
SIGMA = 0.43
CANCELLED_SHARE = 0.01
#: Late labels that were a missing scan of the carrier, found and corrected days later.
CORRECTED_SHARE = 0.02


@dataclass(frozen=True)
class Deliveries:
    """(n,) arrays beside `Orders`."""

    promised_days: np.ndarray
    """Whole days that were promised."""
    promised_at: np.ndarray
    """Midnight at which the promise is broken, datetime64[us]."""
    delivered_at: np.ndarray
    late: np.ndarray
    chance: np.ndarray
    """The true probability of late, given everything that can be known at prediction time and the sellers' slowness."""
    known_at: np.ndarray
    """The promised date if late, the delivery if on time: bad news is known at another time than good."""
    cancelled: np.ndarray
    """Never delivered: no outcome, ever."""
    corrected_at: np.ndarray
    """When a wrong "late" was taken back; NaT: never."""


def deliver(scenario: Scenario, sellers: Sellers, orders: Orders, rng: np.random.Generator) -> Deliveries:
    """Quote a date for each order and let it arrive."""
    from scipy.special import ndtr

    n = len(orders)
    expected = _expected_days(scenario, sellers, orders)
    promised_days = _quote(sellers, orders, rng)
    promised_at = orders.at.astype("datetime64[D]").astype("datetime64[us]") + promised_days.astype("timedelta64[D]")
    allowed = (promised_at - orders.at) / np.timedelta64(86_400_000_000, "us")
    noise = rng.standard_normal(n)
    taken = expected * np.exp(SIGMA * noise)
    delivered_at = orders.at + (taken * 86_400e6).astype("timedelta64[us]")
    late = delivered_at > promised_at
    corrected = late & (rng.random(n) < CORRECTED_SHARE)
    delay = rng.integers(3 * 24, 20 * 24, n).astype("timedelta64[h]")
    return Deliveries(
        promised_days=promised_days.astype(float),
        promised_at=promised_at,
        delivered_at=delivered_at,
        late=late,
        chance=ndtr((np.log(expected) - np.log(allowed)) / SIGMA),
        known_at=np.minimum(delivered_at, promised_at),
        cancelled=rng.random(n) < CANCELLED_SHARE,
        corrected_at=np.where(corrected, promised_at + delay, np.datetime64("NaT", "us")),
    )


def _expected_days(scenario: Scenario, sellers: Sellers, orders: Orders) -> np.ndarray:
    """(n,) median days from order to door: the seller's handling, then the way."""
    handling = 0.7 * sellers.handling_days[orders.seller] * np.exp(1.4 * sellers.slowness[orders.seller])
    busy = season(scenario.weeks[orders.week])
    pace = world.CARRIER_PACE[orders.carrier] * _drift(scenario, orders) * (1 + 0.28 * (busy - 1))
    way = (
        (1.1 + orders.distance_km / 310)
        * world.HARDSHIP[orders.customer_region]
        * (1 + 0.11 * np.log1p(orders.weight_kg))
    )
    # What is handed over at a weekend leaves on Monday.
    weekend = 0.6 * (_weekday(orders.at) >= 4)
    return np.asarray(handling + way * pace + weekend)


def _drift(scenario: Scenario, orders: Orders) -> np.ndarray:
    """(n,) factor on a carrier's pace while a concept drift lasts."""
    factor = np.ones(len(orders))
    for event in scenario.of("concept_drift"):
        hit = event.active(orders.at) & (orders.carrier == world.CARRIERS.index(event.where["carrier"]))
        factor[hit] *= event.size
    return factor


def _quote(sellers: Sellers, orders: Orders, rng: np.random.Generator) -> np.ndarray:
    """(n,) days promised: the platform knows distance and stated handling, and neither carrier, season nor slowness."""
    known = 0.8 * sellers.handling_days[orders.seller] + 1.3 + orders.distance_km / 300
    days = np.ceil(2.0 * known * rng.lognormal(0.0, 0.20, len(orders)) + 1.0).clip(2, 60)
    return np.asarray(days, dtype=int)


def _weekday(at: np.ndarray) -> np.ndarray:
    """0 = Monday; 1970-01-01 was a Thursday."""
    return np.asarray((at.astype("datetime64[D]").astype(int) + 3) % 7)
