"""Frauds of which some are known after a day and some after forty: who is judged by the first says the opposite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from loop_core.compare import Pairs, Units
from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.release import first_release
from loop_core.workspace import Loop, Workspace

Floats = npt.NDArray[np.float64]
START, DAYS, HORIZON = datetime(2026, 1, 5, tzinfo=UTC), 28, 60
#: Share of all predictions, and the age in days at which they are known.
EARLY_BAD, LATE_BAD = (0.011, 1.0), (0.009, 40.0)
CHARTER = """
[loop]
name = "fraud"
title = "Fraud"
purpose = "Is it a fraud?"
positive = "fraud"
clock = "data"
[roles]
owner = "ana"
[labels]
horizon_days = 60
[[features]]
name = "amount"
type = "number"
[[metrics]]
name = "log_loss"
margin = 0.001
"""


@dataclass(frozen=True)
class World:
    """n predictions in order of time."""

    age: Floats
    """(n,) days after `START` at which each was made."""
    label: Floats
    delay: Floats
    """(n,) days after which the label is known."""
    old: Floats
    """(n,) scores of the champion, which sees the frauds that are known early."""
    new: Floats
    """(n,) scores of the challenger, which also sees some of the others."""
    drawn: Floats | None = None
    """(n,) probability of being drawn to be labelled soon, 0 where it was not; None: the charter has no such column."""

    def pairs(self, rows: npt.NDArray[np.bool_]) -> Pairs:
        """Some of its rows, to be compared."""
        return Pairs(self.label[rows], self.old[rows], self.new[rows], Units(None, int(rows.sum())))


def world(seed: int, n: int = 24_000) -> World:
    """Draw it."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[1 - EARLY_BAD[0] - LATE_BAD[0], EARLY_BAD[0], LATE_BAD[0]])
    scores = [np.array(means)[kind] * rng.lognormal(0, 0.3, n) for means in ((0.012, 0.30, 0.012), (0.012, 0.20, 0.12))]
    old, new = (np.clip(one, 0, 0.99) for one in scores)
    delay = np.array([1.0, EARLY_BAD[1], LATE_BAD[1]])[kind]
    return World(np.arange(n) * DAYS / n, (kind > 0).astype(np.float64), delay, old, new)


def fill(workspace: Workspace, made: World, charter: str = CHARTER) -> Loop:
    """The loop `fraud`: `old` serves, `new` is logged beside it."""
    loop = workspace.set_charter(charter, actor="ana", reason="first", as_of=START)
    at = [START + timedelta(days=float(age)) for age in made.age]
    ids = [f"{k:05d}" for k in range(len(at))]
    rows = pl.DataFrame({"prediction_id": ids, "predicted_at": at, "score": made.old, "model_version": "old"})
    if made.drawn is not None:
        rows = rows.with_columns(drawn=made.drawn)
    known = [moment + timedelta(days=float(days)) for moment, days in zip(at, made.delay, strict=True)]
    labels = pl.DataFrame({"prediction_id": ids, "label": made.label, "observed_at": known, "source": "observed"})
    # A NaN stands for a label that never comes.
    parts = {"predictions": rows, "outcomes": labels.filter(pl.col("label").is_not_nan())}
    parts["scores"] = rows.select(
        "prediction_id", model_version=pl.lit("new"), score=pl.Series(made.new), scored_at="predicted_at"
    )

    def body(tx: Transaction) -> None:
        for name, frame in parts.items():
            tx.register("fresh", frame)
            tx.execute(f"insert into {loop.table(name)} by name select * from fresh")

    loop.lake.write(body, actor="ana", message="fraud")
    for version in ("old", "new"):
        register_external(loop, version, actor="ana", as_of=START, train_end=START)
    first_release(loop, "old", actor="ana", as_of=START)
    return loop
