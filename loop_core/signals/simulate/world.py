"""Places, goods, carriers and sellers of the simulated marketplace. All shares and speeds are inventions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REGIONS = ("centre", "coast", "south", "west", "north", "border", "islands")
CUSTOMER_SHARE = np.array([0.27, 0.22, 0.15, 0.14, 0.06, 0.09, 0.07])
SELLER_SHARE = np.array([0.46, 0.22, 0.12, 0.10, 0.03, 0.06, 0.01])
#: Kilometres east and north of the centre.
POSITION = np.array([[0, 0], [330, 40], [150, -560], [-620, 60], [-90, 980], [-330, -300], [1150, 240]], dtype=float)
#: Time on the way, over what the distance alone would take.
HARDSHIP = np.array([0.95, 1.0, 1.02, 1.08, 1.22, 1.1, 1.35])
LANGUAGES = ("pt", "es", "en", "de")
#: Region × language: in which language its customers write.
LANGUAGE_SHARE = np.array(
    [
        [0.92, 0.03, 0.04, 0.01],
        [0.88, 0.05, 0.06, 0.01],
        [0.30, 0.66, 0.03, 0.01],
        [0.35, 0.61, 0.03, 0.01],
        [0.40, 0.05, 0.52, 0.03],
        [0.20, 0.15, 0.10, 0.55],
        [0.25, 0.05, 0.68, 0.02],
    ]
)

CATEGORIES = (
    "home_decor",
    "beauty",
    "sports",
    "electronics",
    "furniture",
    "toys",
    "books",
    "garden",
    "fashion",
    "tools",
)
CATEGORY_SHARE = np.array([0.16, 0.15, 0.13, 0.12, 0.08, 0.09, 0.08, 0.06, 0.08, 0.05])
#: Median price, weight in kg and litres of one item.
PRICE = np.array([62, 48, 85, 150, 210, 55, 22, 75, 58, 90], dtype=float)
WEIGHT = np.array([1.6, 0.5, 1.3, 0.9, 11.0, 0.9, 0.6, 3.2, 0.6, 2.6])
VOLUME = np.array([12, 2, 9, 5, 80, 8, 2, 20, 4, 10], dtype=float)

CARRIERS = ("ruta", "blitz", "andorinha", "correio")
CARRIER_SHARE = np.array([0.24, 0.18, 0.20, 0.38])
CARRIER_PACE = np.array([0.98, 0.84, 1.02, 1.12])

PAYMENTS = ("card", "transfer", "voucher", "wallet")
PAYMENT_SHARE = np.array([0.68, 0.18, 0.05, 0.09])
#: How a seller's catalogue reaches the platform: where units can slip.
CHANNELS = ("api", "portal", "csv_upload")
CHANNEL_SHARE = np.array([0.55, 0.31, 0.14])

N_SELLERS = 900


@dataclass(frozen=True)
class Sellers:
    """The sellers, one array entry each. Nobody observes `slowness`; a seller's record gives it away slowly."""

    region: np.ndarray
    """(n,) index into REGIONS."""
    channel: np.ndarray
    """(n,) index into CHANNELS."""
    category: np.ndarray
    """(n,) index into CATEGORIES: what it mostly sells."""
    handling_days: np.ndarray
    """(n,) days until dispatch, as the seller states them."""
    slowness: np.ndarray
    """(n,) log of the real handling and care over the stated one."""
    since_week: np.ndarray
    """(n,) week of the scenario in which it begins to sell; negative: before."""
    demand: np.ndarray
    """(n,) relative number of orders."""

    def shares(self, week: int) -> np.ndarray:
        """(n,) chance that an order of the week goes to each seller."""
        demand = np.where(self.since_week <= week, self.demand, 0.0)
        return np.asarray(demand / demand.sum())


def make_sellers(seed: int, weeks: int, n: int = N_SELLERS) -> Sellers:
    """The sellers of a seed: a few large ones, many small ones, and two fifths that join while the scenario runs."""
    rng = np.random.default_rng([seed, 0])
    joins = rng.integers(1, weeks + 1, n)
    new = rng.random(n) < 0.4
    return Sellers(
        region=rng.choice(len(REGIONS), n, p=SELLER_SHARE),
        channel=rng.choice(len(CHANNELS), n, p=CHANNEL_SHARE),
        category=rng.choice(len(CATEGORIES), n, p=CATEGORY_SHARE),
        handling_days=rng.choice(5, n, p=[0.34, 0.3, 0.2, 0.11, 0.05]) + 1.0,
        slowness=rng.normal(0, 0.3, n),
        since_week=np.where(new, joins, -1),
        demand=rng.pareto(1.3, n).clip(0.05, 25) * np.where(new, 0.6, 1.0),
    )
