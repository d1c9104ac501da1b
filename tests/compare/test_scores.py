from __future__ import annotations

import lightgbm
import numpy as np
import polars as pl

from loop_core.compare.scores import scored_batches
from loop_core.labels import read_at
from loop_core.models import Calibration, Manifest, ModelStore
from loop_core.workspace import Loop
from tests.compare.test_comparison import LATER
from tests.conftest import CHARTER, START
from tests.monitor.world import fill, outcomes, predictions

FEATURES = ("price", "weight")


def packaged(loop: Loop, rows: pl.DataFrame) -> str:
    numbers, labels = rows.select(FEATURES).to_numpy(), rows["score"].to_numpy() > 0.3
    params = {"objective": "binary", "verbosity": -1, "num_leaves": 7, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(numbers, labels.astype(float)), num_boost_round=5)
    types = dict.fromkeys(FEATURES, "number")
    manifest = Manifest(loop=loop.name, as_of=START, features=FEATURES, types=types)
    return ModelStore(loop.workspace).save(booster.model_to_string(), Calibration(), manifest)


def test_a_package_says_what_nobody_logged_and_only_that(workspace):
    loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    rows = predictions()
    fill(loop, rows, outcomes(rows))
    version = packaged(loop, rows)
    logged = (
        rows.head(300)
        .select("prediction_id", scored_at="predicted_at", model_version=pl.lit(version))
        .with_columns(score=pl.when(pl.int_range(pl.len()) < 100).then(0.25).otherwise(float("nan")))
    )

    def body(tx):
        tx.register("s", logged)
        tx.execute(f"insert into {loop.table('scores')} by name from s")

    loop.lake.write(body, actor="ana", message="logged")
    said_of = scored_batches(loop, read_at(loop, LATER), {"s": version}, "r.prediction_id")
    found = pl.concat(said_of).drop_nulls("s").sort("prediction_id")["s"].to_numpy()
    assert len(found) == rows.height
    assert (found[:100] == 0.25).all()
    # NaN in the log is no score.
    said = ModelStore(loop.workspace).load(version).score(rows)
    assert np.array_equal(found[100:], said[100:])
