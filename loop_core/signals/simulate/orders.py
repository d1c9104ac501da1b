"""A week's orders: who buys what from whom, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from loop_core.signals.simulate import world
from loop_core.signals.simulate.scenario import Scenario
from loop_core.signals.simulate.world import Sellers

_HOUR_SHARE = np.array([2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 6, 6, 7, 7, 6, 6, 6, 7, 7, 6, 5, 3], dtype=float)
_WEEKDAY_SHARE = np.array([1.12, 1.1, 1.06, 1.02, 1.0, 0.82, 0.88])


@dataclass(frozen=True)
class Orders:
    """(n,) arrays of one week in order of time; categories are indices into the lists of `world`."""

    week: int
    at: np.ndarray
    """datetime64[us], UTC."""
    seller: np.ndarray
    customer_region: np.ndarray
    customer: np.ndarray
    """Number of the customer within the region."""
    category: np.ndarray
    items: np.ndarray
    price: np.ndarray
    freight: np.ndarray
    weight_kg: np.ndarray
    volume_l: np.ndarray
    distance_km: np.ndarray
    carrier: np.ndarray
    payment: np.ndarray
    instalments: np.ndarray

    def __len__(self) -> int:
        return len(self.at)


def rows_per_week(scenario: Scenario, rows: int) -> np.ndarray:
    """(n_weeks,) orders in each week, summing to `rows`: growth, the season, and nothing random."""
    share = np.array([sum(_pull(scenario, day) for day in _days(scenario, week)) for week in scenario.weeks])
    reached = np.round(np.cumsum(share) / share.sum() * rows).astype(int)
    return np.diff(reached, prepend=0)


def draw_orders(scenario: Scenario, sellers: Sellers, week: int, n: int, rng: np.random.Generator) -> Orders:
    """Draw the n orders of a week."""
    at = _times(scenario, week, n, rng)
    seller = rng.choice(len(sellers.demand), n, p=sellers.shares(week))
    region, shifted = _regions(scenario, at, rng)
    own = rng.random(n) < 0.75
    category = np.where(own, sellers.category[seller], rng.choice(len(world.CATEGORIES), n, p=world.CATEGORY_SHARE))
    items = 1.0 + rng.geometric(0.82, n).clip(1, 8) - 1
    weight = world.WEIGHT[category] * items * rng.lognormal(0, 0.6, n)
    # Who buys in the new market buys small things first.
    price = world.PRICE[category] * items * rng.lognormal(0, 0.55, n) * np.where(shifted, 0.7, 1.0)
    apart = np.linalg.norm(world.POSITION[sellers.region[seller]] - world.POSITION[region], axis=1)
    distance = apart + rng.gamma(2.0, 45.0, n)
    freight = 4 + 0.9 * np.log1p(weight) * (1 + distance / 400) * rng.lognormal(0.6, 0.2, n)
    payment = rng.choice(len(world.PAYMENTS), n, p=world.PAYMENT_SHARE)
    return Orders(
        week=week,
        at=at,
        seller=seller,
        customer_region=region,
        customer=(rng.random(n) ** 1.4 * 60_000).astype(int),
        category=category,
        items=items,
        price=price.round(2),
        freight=freight.round(2),
        weight_kg=weight.round(3),
        volume_l=(world.VOLUME[category] * items * rng.lognormal(0, 0.5, n)).round(2),
        distance_km=distance.round(1),
        carrier=rng.choice(len(world.CARRIERS), n, p=world.CARRIER_SHARE),
        payment=payment,
        instalments=np.where(payment == 0, rng.geometric(0.35, n).clip(1, 12), 1).astype(float),
    )


def season(day: date) -> float:
    """How much busier than an average day of its year a day is: late November and December, quiet February."""
    black_friday = (day.month, day.day) >= (11, 22) and (day.month, day.day) <= (12, 1)
    december = day.month == 12 and 1 < day.day <= 22
    return 2.0 if black_friday else 1.35 if december else 0.85 if day.month in (1, 2) else 1.0


def _pull(scenario: Scenario, day: date) -> float:
    passed = (day - scenario.start).days / (scenario.end - scenario.start).days
    return season(day) * float(scenario.growth**passed * _WEEKDAY_SHARE[day.weekday()])


def _days(scenario: Scenario, week: date) -> list[date]:
    days = [week + timedelta(days=day) for day in range(7)]
    return [day for day in days if day < scenario.end]


def _times(scenario: Scenario, week: int, n: int, rng: np.random.Generator) -> np.ndarray:
    days = _days(scenario, scenario.weeks[week])
    share = np.array([_pull(scenario, day) for day in days])
    day = rng.choice(np.array(days, dtype="datetime64[us]"), n, p=share / share.sum())
    hour = rng.choice(24, n, p=_HOUR_SHARE / _HOUR_SHARE.sum())
    second = rng.integers(0, 3600, n)
    return np.sort(day + (hour * 3600 + second).astype("timedelta64[s]"))


def _regions(scenario: Scenario, at: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Customers' regions, and which of them are there because a covariate shift brought them."""
    region = rng.choice(len(world.REGIONS), len(at), p=world.CUSTOMER_SHARE)
    shifted = np.zeros(len(at), dtype=bool)
    for event in scenario.of("covariate_shift"):
        moved = event.active(at) & (rng.random(len(at)) < event.size)
        region = np.where(moved, world.REGIONS.index(event.where["customer_region"]), region)
        shifted |= moved
    return region, shifted
