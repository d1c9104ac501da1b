"""The model that serves the simulated marketplace, and the one that wants to: scores, latency, errors."""

from __future__ import annotations

import numpy as np

from loop_core.signals.simulate import world
from loop_core.signals.simulate.delivery import Deliveries
from loop_core.signals.simulate.orders import Orders
from loop_core.signals.simulate.scenario import Scenario
from loop_core.signals.simulate.world import Sellers

LATENCY_MS = 38.0
ERROR_SHARE = 0.004
#: Error share while a latency regression lasts, as a multiple of the usual one.
ERRORS_WHEN_SLOW = 6.0


def recorded_weight(scenario: Scenario, sellers: Sellers, orders: Orders) -> np.ndarray:
    """(n,) the weight as the model got it: in the wrong unit while a slip lasts."""
    weight = orders.weight_kg.copy()
    for event in scenario.of("unit_slip"):
        hit = event.active(orders.at) & (sellers.channel[orders.seller] == world.CHANNELS.index(event.where["channel"]))
        weight[hit] *= event.size
    return weight


def incumbent_score(orders: Orders, promised_days: np.ndarray, weight_kg: np.ndarray) -> np.ndarray:
    """(n,) probabilities of a plain logistic model over three inputs; it knows no seller, carrier or season.

    The weights are what a logistic regression found once on the first half year of the scenario.
    """
    logit = 1.82 - 2.53 * np.log(promised_days) + 0.223 * orders.distance_km / 100 + 0.216 * np.log1p(weight_kg)
    return np.asarray(1 / (1 + np.exp(-logit)))


def challenger_score(
    scenario: Scenario, orders: Orders, deliveries: Deliveries, rng: np.random.Generator
) -> np.ndarray:
    """(n,) probabilities near the true ones, but far too low in the cohort that the event names."""
    logit = np.log(deliveries.chance.clip(1e-4, 0.98)) - np.log1p(-deliveries.chance.clip(1e-4, 0.98))
    logit = logit + rng.normal(0, 0.05, len(orders))
    for event in scenario.of("logged_challenger"):
        hit = orders.customer_region == world.REGIONS.index(event.where["customer_region"])
        logit[hit] = logit[hit] * 0.5 - event.size + rng.normal(0, 0.4, int(hit.sum()))
    return np.asarray(1 / (1 + np.exp(-logit)))


def serve_times(scenario: Scenario, orders: Orders, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n,) milliseconds and (n,) bool: answered with an error."""
    hour = orders.at.astype("datetime64[h]").astype(int) % 24
    latency = LATENCY_MS * rng.lognormal(0, 0.38, len(orders)) * np.where((hour > 9) & (hour < 22), 1.12, 1.0)
    chance = np.full(len(orders), ERROR_SHARE)
    for event in scenario.of("latency_regression"):
        hit = event.active(orders.at)
        latency[hit] *= event.size
        chance[hit] *= ERRORS_WHEN_SLOW
    failed = rng.random(len(orders)) < chance
    return np.where(failed, latency * 8, latency).round(1), failed
