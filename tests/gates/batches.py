"""Daily batches of a source: as the sums that are kept of them, and as files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from loop_core.gates.batch_stats import BatchStats, StatsCounter
from loop_core.vocabulary import Signal
from tests.conftest import START

#: Orders are fewer at weekends.
WEEK = (1.0, 1.1, 1.2, 1.1, 1.3, 0.6, 0.4)


def frame(rng: np.random.Generator, day: int, mean: float = 300, weekly: bool = True) -> pl.DataFrame:
    """One day's predictions of the `orders` charter."""
    n = max(20, int(rng.poisson(mean * (WEEK[day % 7] if weekly else 1.0) * np.exp(rng.normal(0, 0.08)))))
    weight = rng.normal(5, 1, n)
    return pl.DataFrame(
        {
            "prediction_id": [f"{day:03d}-{i:05d}" for i in range(n)],
            "predicted_at": [START + timedelta(days=day, minutes=1400 * i / n) for i in range(n)],
            "price": rng.lognormal(3, 0.6, n),
            "weight": np.where(rng.random(n) < 0.03, np.nan, weight),
            "state": rng.choice(["SP", "RJ", "BA"], n, p=[0.6, 0.3, 0.1]),
        }
    ).with_columns(pl.col("weight").fill_nan(None), pl.col("predicted_at").dt.cast_time_unit("us"))


def arrival(day: int) -> datetime:
    """Early on the day after."""
    return START + timedelta(days=day + 1, hours=2)


def stats(rows: pl.DataFrame, day: int) -> BatchStats:
    """What is kept of a day's batch."""
    counter = StatsCounter("predicted_at")
    for part in rows.with_columns(_row=pl.int_range(rows.height, dtype=pl.Int64)).iter_slices(97):
        counter.add(part)
    columns = {column.column: column for column in counter.stats()}
    return BatchStats(f"b{day}", Signal.PREDICTIONS, name(day), arrival(day), rows.height, columns)


def name(day: int) -> str:
    return f"orders-{START + timedelta(days=day):%Y-%m-%d}.parquet"


def file(folder: Path, rows: pl.DataFrame, day: int) -> Path:
    rows.write_parquet(folder / name(day))
    return folder / name(day)
