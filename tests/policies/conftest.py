"""A loop whose world turns over half-way: what made orders late before makes them early then."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.lake import Transaction
from loop_core.policies import ReplayRequest
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START

DAYS, A_DAY, TURN = 240, 20, 150
WORLD = (
    CHARTER.replace("horizon_days = 60", "horizon_days = 10\nmin_mature_share = 0.9")
    + """
[[metrics]]
name = "brier"
margin = 0.01
block = "guardrail"

[monitor]
min_rows = 30

[retrain]
window_days = 60
comparison_days = 7
min_rows = 200
seconds = 30
"""
)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def request(until: float = DAYS, **more) -> ReplayRequest:
    usual = {"as_of": day(until + 20), "every": timedelta(days=14), "trees": 20, "fixed_weeks": (4, 8)}
    return ReplayRequest(day(70), day(until), **usual | more)


def fill(loop: Loop, *, known_until: datetime | None = None) -> Loop:
    """240 days of 20 orders, labels known after 2 to 9 days; `known_until`: nothing that happened later is in the lake."""
    rng = np.random.default_rng(0)
    n = DAYS * A_DAY
    at = [day(k / A_DAY) for k in range(n)]
    price, weight = rng.normal(100, 20, n).clip(1), rng.normal(5, 1, n)
    turned = np.arange(n) >= TURN * A_DAY
    chance = 1 / (1 + np.exp(-np.where(turned, -1, 1) * (price - 100) / 15))
    rows = pl.DataFrame(
        {
            "prediction_id": [f"{k:05d}" for k in range(n)],
            "predicted_at": at,
            "price": price,
            "weight": weight,
            "state": rng.choice(["SP", "RJ", "BA"], n),
            "label": (rng.random(n) < chance).astype(float),
            "observed_at": [at[k] + timedelta(days=float(wait)) for k, wait in enumerate(rng.uniform(2, 9, n))],
        }
    )
    there = rows if known_until is None else rows.filter(pl.col("predicted_at") < known_until)
    outcomes = there if known_until is None else there.filter(pl.col("observed_at") <= known_until)

    def body(tx: Transaction) -> None:
        tx.register("p", there)
        tx.execute(
            f"insert into {loop.table('predictions')} (prediction_id, predicted_at, price, weight, state, route)"
            " select prediction_id, predicted_at, price, weight, state, 'history' from p"
        )
        tx.register("o", outcomes)
        tx.execute(
            f"insert into {loop.table('outcomes')} (prediction_id, label, observed_at, source)"
            " select prediction_id, label, observed_at, 'observed' from o"
        )

    loop.lake.write(body, actor="ana", message="world")
    return loop


@pytest.fixture
def world(workspace: Workspace) -> Loop:
    return fill(workspace.set_charter(WORLD, actor="ana", reason="first", as_of=START))
