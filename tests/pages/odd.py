"""A loop whose data is as odd as data gets: what pages have to survive."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.monitor import monitor, record_findings
from loop_core.release import first_release
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START

N, DAYS = 3_000, 200
END = START + timedelta(days=DAYS)
#: What each odd column is odd in; see `_predictions`.
ODD = {"constant": "number", "nothing": "number", "wild": "number", "codes": "category", "dropped": "number", "sudden": "category"}  # fmt: skip


def fill_oddly(folder: Path) -> Path:
    """A constant, an empty and an infinite column, 2,000 categories, columns that appear and disappear, a group that
    disappears, scores of 0, 1 and NaN, predictions from the future, labels before their prediction, a week without rows."""
    extra = "".join(f'\n[[features]]\nname = "{name}"\ntype = "{kind}"\n' for name, kind in ODD.items())
    with Workspace.create(folder) as workspace:
        loop = workspace.set_charter(CHARTER + extra, actor="ana", reason="odd", as_of=START)
        rows = _predictions()

        def body(tx: Transaction) -> None:
            for table, frame in (("predictions", rows), ("outcomes", _outcomes(rows))):
                tx.register("new_rows", frame)
                tx.execute(f"insert into {loop.table(table)} by name from new_rows")

        loop.lake.write(body, actor="ana", message="odd")
        register_external(loop, "old", actor="ana", as_of=START)
        first_release(loop, "old", actor="ana", as_of=START)
        record_findings(loop, END, monitor(loop, END), actor="ana")
    return folder


def _predictions() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    age = np.linspace(0, DAYS + 30, N)
    late = age > DAYS / 2
    wild = rng.normal(size=N)
    wild[::7], wild[::11], wild[::13] = np.inf, -np.inf, np.nan
    score = rng.beta(1, 3, N)
    score[::17], score[::19], score[::23] = 0.0, 1.0, np.nan
    state = rng.choice(["SP", "RJ", "BA"], N)
    rows = pl.DataFrame(
        {
            "prediction_id": [f"{i:05d}" for i in range(N)],
            "predicted_at": [START + timedelta(days=float(days)) for days in age],
            "price": rng.lognormal(4, 0.5, N),
            "weight": rng.normal(0, 1, N),
            "state": np.where(late & (state == "BA"), "SP", state),
            "constant": 1.0,
            "nothing": pl.Series([None] * N, dtype=pl.Float64),
            "wild": wild,
            "codes": [f"c{i % 2000}" for i in range(N)],
            "dropped": pl.Series([None if gone else 1.0 * k for k, gone in enumerate(late)]),
            "sudden": pl.Series(["x" if here else None for here in late]),
            "score": score,
            "model_version": "old",
            "route": "champion",
        }
    )
    # Nothing came for a week.
    return rows.filter((pl.Series(age) < 120) | (pl.Series(age) > 128))


def _outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    before = pl.int_range(rows.height) % 29 == 0
    return rows.select(
        "prediction_id",
        label=(pl.int_range(rows.height) % 4 == 0).cast(pl.Float64),
        observed_at=pl.col("predicted_at") + pl.when(before).then(timedelta(days=-3)).otherwise(timedelta(days=9)),
        source=pl.lit("observed"),
    )
