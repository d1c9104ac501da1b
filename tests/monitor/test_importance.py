"""Shares of the champion's mean |SHAP|: known of packages, not of external champions."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.monitor import importance
from loop_core.release import first_release
from loop_core.retrain.bootstrap import bootstrap
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def test_nobody_knows_what_an_external_champion_uses(loop):
    assert importance(loop, END) is None
    assert importance(fill(loop, predictions()), END) is None


def test_the_feature_that_decides_has_the_largest_share(loop):
    rows = predictions()
    chance = 1 / (1 + np.exp(-2 * rows["weight"].to_numpy()))
    rows = rows.with_columns(chance=pl.Series(chance), score=pl.lit(None, dtype=pl.Float64)).gather_every(4)
    labels = outcomes(rows)

    def write(tx: Transaction) -> None:
        for name, frame in (("predictions", rows.drop("chance")), ("outcomes", labels)):
            tx.register("new_rows", frame)
            tx.execute(f"insert into {loop.table(name)} by name from new_rows")

    loop.lake.write(write, actor="ana", message="world")
    version = bootstrap(loop, as_of=END, until=START + timedelta(days=100), actor="ana", seed=0)
    first_release(loop, version, actor="ana", as_of=END)
    shares = importance(loop, END)
    assert shares is not None
    assert next(iter(shares)) == "weight"
    assert shares["weight"] > 0.5
    assert np.isclose(sum(shares.values()), 1)
    assert importance(loop, END) == shares
