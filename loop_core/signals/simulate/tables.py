"""One simulated week as the four tables that a real platform would export."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from loop_core.signals.simulate import world
from loop_core.signals.simulate.delivery import Deliveries
from loop_core.signals.simulate.orders import Orders
from loop_core.signals.simulate.scenario import Scenario, midnight
from loop_core.signals.simulate.serving import challenger_score, incumbent_score, recorded_weight, serve_times
from loop_core.signals.simulate.voices import Voices
from loop_core.signals.simulate.world import Sellers

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Week:
    """Everything drawn for one week, before it is written down."""

    scenario: Scenario
    sellers: Sellers
    orders: Orders
    deliveries: Deliveries
    voices: Voices
    seller_orders: np.ndarray
    """(n_sellers,) orders when the week began."""
    seller_late_share: np.ndarray
    """(n_sellers,) late share known when the week began; NaN: none was known."""

    @cached_property
    def ids(self) -> pl.Series:
        """(n,) prediction ids: week and running number, so that an id never depends on how many weeks were made."""
        return _labels(f"d{self.orders.week:03d}-", np.arange(len(self.orders)), 7)

    @cached_property
    def customers(self) -> pl.Series:
        """(n,) customer ids; a customer lives in one region."""
        return _named(world.REGIONS, self.orders.customer_region) + _labels("-", self.orders.customer, 5)


def predictions(week: Week, rng: np.random.Generator) -> pl.DataFrame:
    """What the platform logged when it asked the incumbent: ids, answer, features, context."""
    import polars as pl

    orders, sellers, seller = week.orders, week.sellers, week.orders.seller
    weight = recorded_weight(week.scenario, sellers, orders)
    latency, failed = serve_times(week.scenario, orders, rng)
    score = incumbent_score(orders, week.deliveries.promised_days, weight)
    weekday = (orders.at.astype("datetime64[D]").astype(int) + 3) % 7 + 1
    frame = pl.DataFrame(
        {
            "prediction_id": week.ids,
            "entity_id": week.customers,
            "predicted_at": orders.at,
            "model_version": _same(week.scenario.incumbent, len(orders)),
            "route": _same("champion", len(orders)),
            "score": np.where(failed, np.nan, score),
            "latency_ms": latency,
            "error": failed,
            "items": orders.items,
            "price": _with_bad_rows(week, rng),
            "freight": orders.freight,
            "weight_kg": weight,
            "volume_l": orders.volume_l,
            "distance_km": orders.distance_km,
            "promised_days": week.deliveries.promised_days,
            "handling_days": sellers.handling_days[seller],
            "instalments": orders.instalments,
            "weekday": weekday.astype(float),
            "hour": (orders.at.astype("datetime64[h]").astype(int) % 24).astype(float),
            "seller_orders": week.seller_orders[seller].astype(float),
            "seller_late_share": week.seller_late_share[seller],
            "first_time_seller": week.seller_orders[seller] == 0,
            "category": _named(world.CATEGORIES, orders.category),
            "carrier": _named(world.CARRIERS, orders.carrier),
            "customer_region": _named(world.REGIONS, orders.customer_region),
            "seller_region": _named(world.REGIONS, sellers.region[seller]),
            "payment_type": _named(world.PAYMENTS, orders.payment),
            "promised_at": week.deliveries.promised_at,
            "seller_id": _labels("s", seller, 4),
            "channel": _named(world.CHANNELS, sellers.channel[seller]),
        },
    )
    return _zoned(frame).with_columns(
        pl.col("score", "seller_late_share").fill_nan(None), pl.when("error").then(pl.lit("timeout")).alias("error")
    )


def outcomes(week: Week) -> pl.DataFrame:
    """First statements and corrections, as far as they were made before the export."""
    import polars as pl

    d = week.deliveries
    kept = ~d.cancelled
    corrected = kept & ~np.isnat(d.corrected_at)
    first = _statements(week.ids.filter(pl.Series(kept)), d.late[kept], d.known_at[kept], "observed")
    second = _statements(
        week.ids.filter(pl.Series(corrected)), np.zeros(int(corrected.sum())), d.corrected_at[corrected], "correction"
    )
    return _before_export(week, pl.concat([first, second]), "observed_at")


def feedback(week: Week) -> pl.DataFrame:
    """Reviews and tickets that were written before the export."""
    import polars as pl

    v = week.voices
    frame = pl.DataFrame(
        {
            "feedback_id": _labels(f"f{week.orders.week:03d}-", np.arange(len(v.order)), 7),
            "prediction_id": week.ids.gather(v.order),
            "user_id": week.customers.gather(v.order),
            "given_at": v.at,
            "kind": v.kind,
            "rating": v.rating,
            "comment": pl.Series(v.comment, dtype=pl.String),
        }
    ).with_columns(pl.col("rating").fill_nan(None))
    return _before_export(week, _zoned(frame), "given_at")


def scores(week: Week, rng: np.random.Generator) -> pl.DataFrame:
    """What the challenger said of the same orders while it was logged beside the incumbent."""
    import polars as pl

    logged = np.zeros(len(week.orders), dtype=bool)
    for event in week.scenario.of("logged_challenger"):
        logged |= event.active(week.orders.at)
    score = challenger_score(week.scenario, week.orders, week.deliveries, rng)
    return _zoned(
        pl.DataFrame(
            {
                "prediction_id": week.ids.filter(pl.Series(logged)),
                "model_version": _same(week.scenario.challenger, int(logged.sum())),
                "score": score[logged],
                "scored_at": week.orders.at[logged],
            }
        )
    )


def _statements(ids: pl.Series, label: np.ndarray, at: np.ndarray, source: str) -> pl.DataFrame:
    import polars as pl

    return _zoned(
        pl.DataFrame(
            {"prediction_id": ids, "label": label.astype(float), "observed_at": at, "source": _same(source, len(ids))}
        )
    )


def _with_bad_rows(week: Week, rng: np.random.Generator) -> np.ndarray:
    """(n,) prices, some of them negative where an export bug is declared."""
    price = week.orders.price.copy()
    for event in week.scenario.of("bad_rows"):
        hit = event.active(week.orders.at) & (rng.random(len(price)) < event.size)
        price[hit] *= -1
    return price


def _before_export(week: Week, frame: pl.DataFrame, column: str) -> pl.DataFrame:
    import polars as pl

    return frame.filter(pl.col(column) < midnight(week.scenario.end))


def _zoned(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return frame.with_columns(pl.col(pl.Datetime("us")).dt.replace_time_zone("UTC"))


def _labels(prefix: str, numbers: np.ndarray, width: int) -> pl.Series:
    """(n,) texts like `s0042`."""
    import polars as pl

    text = pl.Series(numbers).cast(pl.String).str.zfill(width)
    return _same(prefix, len(text)) + text


def _named(names: tuple[str, ...], index: np.ndarray) -> pl.Series:
    """(n,) names by index."""
    import polars as pl

    return pl.Series(names).gather(index)


def _same(value: str, n: int) -> pl.Series:
    import polars as pl

    return pl.repeat(value, n, dtype=pl.String, eager=True)
