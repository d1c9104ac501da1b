"""A loop whose champion `old` is challenged by several external models on the same 8,000 mature rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.workspace import Loop
from tests.conftest import START
from tests.monitor.world import fill, outcomes, predictions


def challenged(loop: Loop, noises: dict[str, float]) -> Loop:
    """`old` has noise 0.5; each challenger its own, drawn by itself: the less, the better."""
    rows = predictions()
    fill(loop, rows, outcomes(rows))
    chance = rows["chance"].to_numpy()
    logit = np.log(chance / (1 - chance))
    for place, (name, noise) in enumerate(noises.items()):
        scores = 1 / (1 + np.exp(-logit - np.random.default_rng(place + 10).normal(0, noise, rows.height)))
        frame = rows.select("prediction_id", scored_at="predicted_at").with_columns(
            model_version=pl.lit(name), score=pl.Series(scores)
        )

        def body(tx: Transaction, frame: pl.DataFrame = frame) -> None:
            tx.register("s", frame)
            tx.execute(f"insert into {loop.table('scores')} by name from s")

        loop.lake.write(body, actor="ana", message=name)
        register_external(loop, name, actor="ana", as_of=START, train_end=START)
    return loop
