"""A loop whose every value that people or data may choose calls an address: what no page, command or export may act on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from loop_core.alerts import acknowledge, alerts
from loop_core.compare import compare
from loop_core.cycle import run_cycle
from loop_core.gates import ingest
from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.release import first_release, override, propose
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import START

#: Nobody answers there but the listener of a test.
PORT = 18_637
AT = f"http://127.0.0.1:{PORT}"
VALUES = (
    f"![x]({AT}/img)",
    f"<img src={AT}/i>",
    f"<script>fetch('{AT}/s')</script>",
    f"[x](javascript:fetch('{AT}/j'))",
    f"https://127.0.0.1:{PORT}/bare",
    ":red[x] :material/home: $x^2$ **b** `c`",
    "\x1b[2J\x1b]0;t\x07 \u202egnp.exe [/x] [bold]",
    f'=HYPERLINK("{AT}/f")',
    f"a\n\n[y]: {AT}/r\n# h\n✗ forged",
)
ALL = " ".join(VALUES)
N, DAYS = 2_000, 100
#: When every label is in.
END = START + timedelta(days=DAYS + 7)
CHALLENGER = f"new {VALUES[0]} {VALUES[1]} {VALUES[6]}"
CHAMPION = f"old {VALUES[3]} {VALUES[5]}"
PERSON = f"ana {VALUES[0]} {VALUES[6]}"


def charter() -> str:
    text, person = (json.dumps(value, ensure_ascii=True) for value in (ALL, PERSON))
    return f"""
[loop]
name = "orders"
title = {text}
purpose = {text}
positive = {text}
clock = "data"
[roles]
owner = {person}
approvers = [{person}, "bea"]
[labels]
horizon_days = 7
[[goals]]
text = {text}
[[features]]
name = "price"
type = "number"
min = 0
[[features]]
name = "state"
type = "category"
[[cohorts]]
name = "state"
min_rows = 50
[[metrics]]
name = "log_loss"
margin = 0.01
"""


def fill_hostile(folder: Path) -> Path:
    """Two external models on rows of hostile categories, feedback, a quarantine, findings, alerts, a card, a proposal."""
    with Workspace.create(folder) as workspace:
        loop = workspace.set_charter(charter(), actor=PERSON, reason=ALL, as_of=START)
        rows = _rows()

        def body(tx: Transaction) -> None:
            for table, frame in ({"predictions": rows} | _more(rows)).items():
                tx.register("new_rows", frame)
                tx.execute(f"insert into {loop.table(table)} by name from new_rows")

        loop.lake.write(body, actor=PERSON, message=ALL)
        for version in (CHAMPION, CHALLENGER):
            register_external(loop, version, actor=PERSON, as_of=START)
        first_release(loop, CHAMPION, actor=PERSON, as_of=START)
        file = folder.parent / f"{VALUES[0].replace('/', '_')} [b] \x1b[2J.csv"
        bad = pl.DataFrame({"prediction_id": VALUES, "predicted_at": [str(END - timedelta(days=1))] * len(VALUES)})
        bad.with_columns(price=-1.0, state=pl.col("prediction_id"), score=0.5).write_csv(file)
        ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor=PERSON, as_of=END)
        run_cycle(loop, END, actor=PERSON, train=False)
        for alert in alerts(loop, END)[:1]:
            acknowledge(loop, alert.id, actor=PERSON, as_of=END, reason=ALL)
        card = compare(loop, CHALLENGER, as_of=END, actor=PERSON)
        for gate in card.gates:
            if gate.state != "passed":
                override(loop, card.id, gate.name, actor=PERSON, reason=ALL, as_of=END)
        propose(loop, CHALLENGER, scorecard=card.id, actor=PERSON, as_of=END, reason=ALL)
    return folder


def _rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    age = np.linspace(0, DAYS, N)
    # In the last weeks the values are others: drift, whose findings name them.
    state = np.where(age < DAYS - 30, rng.choice(len(VALUES), N), rng.choice(3, N))
    return pl.DataFrame(
        {
            "prediction_id": [f"{i:05d}" for i in range(N)],
            "entity_id": [VALUES[k] for k in state],
            "predicted_at": [START + timedelta(days=float(days)) for days in age],
            "price": rng.lognormal(4, 0.5, N),
            "state": [VALUES[k] for k in state],
            "score": rng.beta(1, 3, N).clip(0.02, 0.98),
            "model_version": CHAMPION,
            "route": "champion",
            "error": pl.Series([ALL if i % 50 == 0 else None for i in range(N)]),
        }
    )


def _more(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    label = (np.random.default_rng(1).random(N) < rows["score"].to_numpy()).astype(float)
    outcomes = rows.select("prediction_id", label=pl.Series(label), source=pl.lit(VALUES[0]))
    outcomes = outcomes.with_columns(observed_at=rows["predicted_at"] + timedelta(days=3))
    scores = rows.select("prediction_id", model_version=pl.lit(CHALLENGER), scored_at="predicted_at")
    scores = scores.with_columns(score=(0.9 * rows["score"] + 0.1 * pl.Series(label)))
    said = rows.filter(pl.int_range(N) % 20 == 0)
    feedback = said.select(
        "prediction_id",
        feedback_id="prediction_id",
        user_id="state",
        given_at="predicted_at",
        kind=pl.lit("comment"),
        rating=pl.lit(1.0),
        comment="state",
    )
    return {"outcomes": outcomes, "scores": scores, "feedback": feedback}
