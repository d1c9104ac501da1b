"""`loop override`, `loop compare` of several, `loop tradeoff`, and a first release, as a person types them."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from loop_core.compare import latest_scorecard
from loop_core.errors import PermissionDeniedError, RefusedError
from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.workspace import Loop
from tests.cli.test_cli import run
from tests.compare.rivals_world import challenged
from tests.conftest import START
from tests.monitor.world import DAYS, outcomes, predictions
from tests.release.duel import END

LATER = (START + timedelta(days=DAYS + 61)).date().isoformat()


def test_a_gate_is_set_aside_and_told_from_then_on(duel: Loop) -> None:
    folder, when = duel.workspace.path, ["--as-of", END.date().isoformat()]
    told = run("compare", "orders", "bad", "--actor", "ana", *when, workspace=folder)
    assert " blocked  log_loss overall: Worse" in told
    card = latest_scorecard(duel, "bad")
    assert card is not None
    with pytest.raises(RefusedError, match="bad is blocked"):
        run("propose", "orders", "bad", "--reason", "x", "--actor", "ana", *when, workspace=folder)
    with pytest.raises(PermissionDeniedError, match="one of: ana"):
        run("override", "orders", card.id, "rows", "--reason", "x", "--actor", "bo", *when, workspace=folder)
    for gate in [gate.name for gate in card.gates if gate.state == "blocked"]:
        said = run(
            "override", "orders", card.id, gate, "--reason", "a pilot", "--actor", "ana", *when, workspace=folder
        )
        assert f"{gate} (blocked) was set aside by ana on 2018-09-19: a pilot" in said
    proposed = run("propose", "orders", "bad", "--reason", "x", "--actor", "ana", *when, workspace=folder)
    assert "! log_loss overall (blocked) was set aside by ana" in proposed
    assert "! held, not passed – rows" in proposed
    again = run("compare", "orders", "bad", "--actor", "ana", *when, workspace=folder)
    assert "Set aside by ana: a pilot" in again
    assert "was set aside by ana" in run("approve", "orders", "p1", "--actor", "bo", *when, workspace=folder)


def test_several_challengers_share_their_rows(loop: Loop) -> None:
    folder = challenged(loop, {"best": 0.05, "poor": 1.2}).workspace.path
    said = run("compare", "orders", "best", "poor", "--as-of", LATER, "--actor", "ana", workspace=folder)
    assert said.startswith("best is the best of 2 challengers and old on the same 8,000 rows: log loss 0.")
    assert "poor: Do not ship by itself; worse for state" in said
    found = json.loads(
        run("compare", "orders", "best", "old", "--against", "poor", "--json", "--as-of", LATER, workspace=folder)
    )
    assert (found["baseline"], found["n"], len(found["rivals"])) == ("poor", 8_000, 2)


def test_what_models_give_and_cost(loop: Loop) -> None:
    folder = challenged(loop, {"best": 0.05}).workspace.path
    said = run("tradeoff", "orders", "--as-of", LATER, workspace=folder)
    assert "None of 2 models is beaten on everything" in said
    assert "logged" in said
    found = json.loads(run("tradeoff", "orders", "best", "--rows", "0", "--json", "--as-of", LATER, workspace=folder))
    assert [one["version"] for one in found["candidates"]] == ["best"]


def test_a_first_model_is_told_alone_and_goes_the_way_of_all(loop: Loop) -> None:
    rows = predictions()
    loop.lake.write(lambda tx: scored(tx, loop, rows), actor="ana", message="scores of a model that never served")
    register_external(loop, "first", actor="ana", as_of=START, train_end=START)
    folder, when = loop.workspace.path, ["--as-of", LATER]
    said = run("compare", "orders", "first", "--actor", "ana", *when, workspace=folder)
    assert said.startswith("First release. No model serves yet. first: log loss 0.")
    assert "held  first release: No model of orders serves" in said
    assert "BA" in said
    run("propose", "orders", "first", "--reason", "to start with", "--actor", "ana", *when, workspace=folder)
    run("approve", "orders", "p1", "--actor", "bo", *when, workspace=folder)
    assert "first is the champion" in run("promote", "orders", "p1", "--actor", "ana", *when, workspace=folder)


def scored(tx: Transaction, loop: Loop, rows: pl.DataFrame) -> None:
    parts = {
        "predictions": rows.drop("chance", "score"),
        "outcomes": outcomes(rows),
        "scores": rows.select("prediction_id", "score", model_version=pl.lit("first"), scored_at="predicted_at"),
    }
    for name, frame in parts.items():
        tx.register("new_rows", frame)
        tx.execute(f"insert into {loop.table(name)} by name from new_rows")
