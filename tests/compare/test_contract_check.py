"""A model that its callers could not use is found before it serves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from loop_core.compare.contract_check import contract_check
from loop_core.compare.contract_result import ContractResult
from loop_core.compare.further_gates import soundness_gates
from loop_core.compare.outputs import judged_outputs
from loop_core.errors import UnknownNameError
from loop_core.models import Calibration, register_external
from loop_core.vocabulary import Task
from loop_core.workspace import Loop, Workspace
from tests.compare.packages import trained
from tests.retrain.synthetic import CHARTER, END, START, insert, parcels, rows


@pytest.fixture
def fresh(workspace: Workspace) -> Loop:
    """The loop `parcels` with 3,000 rows."""
    return parcels(workspace)


def by_name(loop: Loop, version: str) -> dict[str, ContractResult]:
    return {one.check: one for one in contract_check(loop, version, END)}


def changed(loop: Loop, old: str, new: str) -> Loop:
    text = loop.entries("charter.changed")[-1].payload["text"]
    assert old in text
    return loop.workspace.set_charter(text.replace(old, new), actor="ana", reason="changed", as_of=END)


def test_a_model_of_this_charter_fits(fresh: Loop) -> None:
    found = by_name(fresh, trained(fresh))
    assert list(found) == ["inputs", "units", "categories", "nulls", "outputs", "task"]
    assert {one.state for one in found.values()} == {"ok"}
    gate = soundness_gates((), tuple(found.values()))[0]
    assert (gate.name, gate.state, gate.next_step) == ("contract", "passed", "")


def test_features_that_changed_or_went(fresh: Loop) -> None:
    version = trained(fresh)
    dropped = changed(fresh, '[[features]]\nname = "express"', '[[context]]\nname = "express"')
    found = by_name(dropped, version)
    assert (found["inputs"].state, "express is context, not a feature" in found["inputs"].sentence) == ("broken", True)
    # What cannot be asked is not called fine.
    assert (found["outputs"].state, "lack express" in found["outputs"].sentence) == ("broken", True)
    gate = soundness_gates((), tuple(found.values()))[0]
    assert (gate.state, bool(gate.next_step)) == ("blocked", True)
    kinds = by_name(
        fresh, trained(fresh, types={**{f.name: f.type for f in fresh.charter.features}, "express": "number"})
    )
    assert "express was a number and is a flag" in kinds["inputs"].sentence


def test_an_input_less_is_said_and_is_fine(fresh: Loop) -> None:
    found = by_name(fresh, trained(fresh, features=("weight", "state")))
    assert (found["inputs"].state, "without price, express, promised_at" in found["inputs"].sentence) == ("ok", True)


def test_units_that_changed_since_training(fresh: Loop) -> None:
    kilograms = changed(fresh, 'name = "weight"\ntype = "number"', 'name = "weight"\ntype = "number"\nunit = "kg"')
    version = trained(kilograms)
    assert by_name(kilograms, version)["units"].state == "ok"
    found = by_name(changed(kilograms, 'unit = "kg"', 'unit = "g"'), version)["units"]
    assert (found.state, "weight was in kg and is in g" in found.sentence) == ("broken", True)
    assert by_name(kilograms, trained(kilograms, charter_hash="0" * 64))["units"].state == "unknown"


def test_categories_it_does_not_know(fresh: Loop) -> None:
    version = trained(fresh, rows(3000).filter(pl.col("state") != "BA"))
    found = by_name(fresh, version)["categories"]
    assert (found.state, "'BA'" in found.sentence) == ("watch", True)
    assert soundness_gates((), contract_check(fresh, version, END))[0].state == "passed"
    listed = changed(
        fresh,
        'name = "state"\ntype = "category"',
        'name = "state"\ntype = "category"\nvalues = ["BA", "RJ", "SP", "AC"]',
    )
    assert "may be AC" in by_name(listed, trained(listed))["categories"].sentence


def test_outputs_that_callers_cannot_take(fresh: Loop) -> None:
    nan = by_name(fresh, trained(fresh, speechless=True))
    assert (nan["outputs"].state, "no numbers" in nan["outputs"].sentence) == ("broken", True)
    assert (nan["nulls"].state, "price" in nan["nulls"].sentence) == ("broken", True)
    beyond = by_name(fresh, trained(fresh, calibration=Calibration("isotonic", x=(0.0, 1.0), y=(0.0, 1.5))))
    assert "outside [0, 1]" in beyond["outputs"].sentence
    constant = by_name(fresh, trained(fresh, params={"min_data_in_leaf": 5000}))["outputs"]
    assert (constant.state, "the same of all 2,000 rows" in constant.sentence) == ("watch", True)


def test_shapes_and_sums_of_answers(fresh: Loop) -> None:
    classes = fresh.charter.model_copy(
        update={"loop": fresh.charter.loop.model_copy(update={"task": Task.MULTICLASS, "classes": ("a", "b")})}
    )
    assert judged_outputs(classes, np.full((3, 3), 1 / 3), 3)[0] == "broken"
    assert judged_outputs(classes, np.full(3, 0.5), 3)[0] == "broken"
    assert "do not add up to 1" in judged_outputs(classes, np.array([[0.5, 0.5], [0.5, 0.4]]), 2)[1]
    assert judged_outputs(classes, np.array([[0.5, 0.5], [0.1, 0.9]]), 2)[0] == "ok"
    numbers = fresh.charter.model_copy(update={"loop": fresh.charter.loop.model_copy(update={"task": Task.REGRESSION})})
    assert judged_outputs(numbers, np.array([-3.0, 40.0]), 2) == (
        "ok",
        "All of 2 answers are finite numbers, from -3 to 40.",
    )
    assert judged_outputs(numbers, np.empty(0), 0)[0] == "unknown"


def test_task_and_threshold(fresh: Loop) -> None:
    assert "callers expect binary" in by_name(fresh, trained(fresh, task=Task.REGRESSION))["task"].sentence
    version = trained(fresh)
    costs = changed(fresh, "[[cohorts]]", "[costs]\nfalse_alarm = 1\nmiss = 4\n[[cohorts]]")
    assert by_name(costs, version)["task"].state == "watch"
    assert by_name(costs, trained(costs))["task"].state == "ok"
    stale = by_name(costs, trained(costs, threshold=0.5))["task"]
    assert (stale.state, "begins at 0.500" in stale.sentence, "0.200" in stale.sentence) == ("broken", True, True)


def test_an_external_model_is_a_stated_outcome(fresh: Loop) -> None:
    register_external(fresh, "vendor", actor="test", as_of=START)
    assert [one.state for one in contract_check(fresh, "vendor", END)] == ["unknown", "unknown"]
    assert soundness_gates((), contract_check(fresh, "vendor", END))[0].state == "held"
    said = rows(10).select(
        "prediction_id",
        scored_at="predicted_at",
        model_version=pl.lit("vendor"),
        score=pl.lit(0.2) + pl.int_range(10) / 20,
    )

    def body(tx):
        tx.register("s", said)
        tx.execute(f"insert into {fresh.table('scores')} by name select * from s")

    fresh.lake.write(body, actor="test", message="logged")
    inputs, outputs = contract_check(fresh, "vendor", END)
    assert (inputs.state, outputs.state) == ("unknown", "ok")
    assert "All of 10 answers are probabilities" in outputs.sentence
    assert soundness_gates((), (inputs, outputs))[0].state == "passed"


def test_no_rows_yet(workspace: Workspace) -> None:
    loop = workspace.set_charter(CHARTER, actor="test", reason="first", as_of=START)
    version = trained(loop)
    found = by_name(loop, version)
    assert (found["outputs"].state, found["nulls"].state) == ("unknown", "unknown")
    with pytest.raises(UnknownNameError):
        contract_check(loop, "nobody", END)


def test_all_rows_missing_everything_are_answered(workspace: Workspace) -> None:
    loop = parcels(workspace, n=300)
    version = trained(loop)
    bare = rows(20, seed=3, days=239).with_columns(
        pl.lit(None, t).alias(n) for n, t in rows(1).schema.items() if n in loop.charter.feature_names
    )
    insert(loop, bare.with_columns(prediction_id=pl.concat_str(pl.lit("z"), "prediction_id")))
    assert by_name(loop, version)["nulls"].state == "ok"
