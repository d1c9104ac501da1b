"""A small loop with a learnable label, made in a blink: what the tests of models, retrain and jobs run on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.workspace import Loop, Workspace

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 240
END = START + timedelta(days=DAYS)
HORIZON = 14

CHARTER = """
[loop]
name = "parcels"
title = "Late parcels"
purpose = "Will the parcel be late?"
positive = "late"
clock = "data"
[roles]
owner = "ana"
[labels]
horizon_days = 14
[[features]]
name = "price"
type = "number"
[[features]]
name = "weight"
type = "number"
[[features]]
name = "state"
type = "category"
[[features]]
name = "express"
type = "flag"
[[features]]
name = "promised_at"
type = "timestamp"
[[cohorts]]
name = "state"
min_rows = 30
[[metrics]]
name = "log_loss"
margin = 0.01
[retrain]
comparison_days = 28
folds = 3
trials = 4
min_rows = 200
worst_cohort_weight = 0.2
"""


def rows(n: int, seed: int = 0, days: float = DAYS) -> pl.DataFrame:
    """n predictions evenly over `days`, with label, and the instant the label is known: late ones later."""
    rng = np.random.default_rng(seed)
    price, weight = rng.gamma(2, 30, n), rng.normal(5, 2, n)
    state = rng.choice(["BA", "RJ", "SP"], n, p=[0.2, 0.3, 0.5])
    express = rng.random(n) < 0.3
    logit = -1.5 + 0.4 * (weight - 5) + 1.2 * (state == "BA") - 1.0 * express + 0.01 * (price - 60)
    label = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    at = [START + timedelta(days=days * i / n) for i in range(n)]
    delay = np.where(label == 1, 12.0, rng.uniform(2, 6, n))
    return pl.DataFrame(
        {
            "prediction_id": [f"p{i:06d}" for i in range(n)],
            "predicted_at": at,
            "price": np.where(rng.random(n) < 0.05, np.nan, price),
            "weight": weight,
            "state": state,
            "express": express,
            "promised_at": [moment + timedelta(days=10) for moment in at],
            "label": label,
            "observed_at": [moment + timedelta(days=float(d)) for moment, d in zip(at, delay, strict=True)],
        }
    ).with_columns(pl.col("price").fill_nan(None))


def insert(loop: Loop, frame: pl.DataFrame) -> None:
    """Put rows and their outcomes into the loop's tables."""
    outcomes = frame.select("prediction_id", "label", "observed_at", source=pl.lit("observed")).drop_nulls("label")
    predictions = frame.drop("label", "observed_at").with_columns(route=pl.lit("history"))

    def body(tx: Transaction) -> None:
        for name, part in (("predictions", predictions), ("outcomes", outcomes)):
            tx.register("fresh", part)
            tx.execute(f"insert into {loop.table(name)} by name select * from fresh")

    loop.lake.write(body, actor="test", message="synthetic rows")


def parcels(workspace: Workspace, n: int = 3000, charter: str = CHARTER) -> Loop:
    """The loop `parcels` with n rows over `DAYS` days."""
    loop = workspace.set_charter(charter, actor="ana", reason="first", as_of=START)
    insert(loop, rows(n))
    return loop
