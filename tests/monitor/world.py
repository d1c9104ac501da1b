"""A small loop with planted trouble: 4,000 predictions over 200 days by the external champion `old`."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.release import first_release
from loop_core.workspace import Loop
from tests.conftest import START

N, DAYS = 8_000, 200


def predictions(seed: int = 0) -> pl.DataFrame:
    """Quiet predictions with `chance`, the true probability of label 1, which `old` scores with noise."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 3, N).clip(0.02, 0.98)
    logit = np.log(chance / (1 - chance)) + rng.normal(0, 0.5, N)
    return pl.DataFrame(
        {
            "prediction_id": [f"{i:05d}" for i in range(N)],
            "predicted_at": [START + timedelta(days=DAYS * i / N) for i in range(N)],
            "price": rng.lognormal(4, 0.5, N),
            "weight": rng.normal(0, 1, N),
            "state": rng.choice(["SP", "RJ", "BA"], N, p=[0.6, 0.3, 0.1]),
            "score": 1 / (1 + np.exp(-logit)),
            "latency_ms": rng.gamma(4, 10, N),
            "chance": chance,
        }
    )


def outcomes(rows: pl.DataFrame, seed: int = 1, late_days: float = 10, on_time_days: float = 10) -> pl.DataFrame:
    """Labels drawn from `chance`, known so many days after the prediction."""
    labels = (np.random.default_rng(seed).random(rows.height) < rows["chance"].to_numpy()).astype(float)
    delay = (
        pl.when(pl.col("label") == 1).then(pl.lit(float(late_days))).otherwise(pl.lit(float(on_time_days))) * 86_400_000
    )
    frame = rows.select("prediction_id", "predicted_at", label=pl.Series(labels))
    return frame.select(
        "prediction_id",
        "label",
        observed_at=pl.col("predicted_at") + (delay * 1000).cast(pl.Duration("us")),
        source=pl.lit("observed"),
    )


def fill(
    loop: Loop, rows: pl.DataFrame, labels: pl.DataFrame | None = None, ratings: pl.DataFrame | None = None
) -> Loop:
    """Write the tables and let `old` serve from the start."""
    put(loop, rows, labels, ratings)
    register_external(loop, "old", actor="ana", as_of=START)
    first_release(loop, "old", actor="ana", as_of=START)
    return loop


def put(
    loop: Loop, rows: pl.DataFrame, labels: pl.DataFrame | None = None, ratings: pl.DataFrame | None = None
) -> None:
    """Write the tables; `old` is who answered."""

    def body(tx: Transaction) -> None:
        parts = {"predictions": rows.drop("chance").with_columns(model_version=pl.lit("old"), route=pl.lit("champion"))}
        parts |= {name: frame for name, frame in (("outcomes", labels), ("feedback", ratings)) if frame is not None}
        for name, frame in parts.items():
            tx.register("new_rows", frame)
            tx.execute(f"insert into {loop.table(name)} by name from new_rows")

    loop.lake.write(body, actor="ana", message="world")
