"""A loop with an external champion `old` and two external challengers: `good`, closer to the truth, and `bad`."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.release import first_release
from loop_core.workspace import Loop
from tests.conftest import START

N = 4_000
DAYS = 200
END = START + timedelta(days=DAYS + 61)


def scores_of(chance: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    logit = np.log(chance / (1 - chance)) + rng.normal(0, noise, len(chance))
    return 1 / (1 + np.exp(-logit))


def fill(loop: Loop) -> Loop:
    """`old` serves; all three have logged scores on 4,000 labelled predictions over 200 days."""
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 3, N).clip(0.02, 0.98)
    when = [START + timedelta(days=DAYS * i / N) for i in range(N)]
    predictions = pl.DataFrame({"prediction_id": [f"{i:05d}" for i in range(N)], "predicted_at": when})
    predictions = predictions.with_columns(
        state=pl.Series(rng.choice(["SP", "RJ"], N)), old=scores_of(chance, 0.8, rng)
    )
    others = {"good": scores_of(chance, 0.1, rng), "bad": scores_of(chance, 2.0, rng)}
    labels = (rng.random(N) < chance).astype(float)

    def body(tx: Transaction) -> None:
        tx.register("p", predictions)
        tx.execute(
            f"insert into {loop.table('predictions')} (prediction_id, predicted_at, state, score, model_version, route)"
            " select prediction_id, predicted_at, state, old, 'old', 'champion' from p"
        )
        tx.register("y", predictions.select("prediction_id", label=pl.Series(labels), observed_at="predicted_at"))
        tx.execute(
            f"insert into {loop.table('outcomes')} (prediction_id, label, observed_at, source)"
            " select prediction_id, label, observed_at + interval 10 day, 'observed' from y"
        )
        for version, scores in others.items():
            tx.register("s", predictions.select("prediction_id", "predicted_at", score=pl.Series(scores)))
            tx.execute(
                f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at) select prediction_id, $version, score, predicted_at from s",
                {"version": version},
            )

    loop.lake.write(body, actor="ana", message="duel")
    for version in ("old", "good", "bad"):
        register_external(loop, version, actor="ana", as_of=START)
    first_release(loop, "old", actor="ana", as_of=START)
    return loop
