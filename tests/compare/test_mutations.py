"""Mutation tests find planted faults, and say of which row."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.compare.further_gates import soundness_gates
from loop_core.compare.inputs import newest_inputs
from loop_core.compare.mutations import mutation_tests
from loop_core.compare.scorecard import Scorecard
from loop_core.errors import UnknownNameError
from loop_core.models import Calibration, register_external
from loop_core.workspace import Loop, Workspace
from tests.compare.packages import steps, trained
from tests.retrain.synthetic import CHARTER, END, START, parcels, rows

#: Trees of one split each.
STUMPS = {"num_leaves": 2}


def mutation(feature: str, change: str, bound: float, **size: float) -> str:
    more = "".join(f"\n{name} = {value}" for name, value in size.items())
    return f'\n[[mutations]]\nfeature = "{feature}"\nchange = "{change}"\nbound = {bound}{more}\n'


def declared(workspace: Workspace, *mutations: str, **replaced: str) -> Loop:
    charter = CHARTER.replace("[retrain]", f"{''.join(mutations)}\n[retrain]")
    for old, new in replaced.items():
        charter = charter.replace(f'name = "{old}"\ntype = "number"', f'name = "{old}"\ntype = "number"\n{new}')
    return parcels(workspace, charter=charter)


def test_noise_that_moves_a_score_is_found_with_its_row(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0))
    version = trained(loop, steps(rows(3000), "weight", 5.0), params=STUMPS)
    found = mutation_tests(loop, version, END)[0]
    # Weights are normal around 5 with a spread of 2, so 19.7 % lie within half a step of the cliff.
    share = float((np.abs(rows(3000)["weight"].to_numpy() - 5) < 0.5).mean())
    assert found.state == "broken"
    assert found.share == pytest.approx(share, abs=0.04)
    assert found.ci_low < found.share < found.ci_high
    weight = rows(3000).filter(pl.col("prediction_id") == found.row)["weight"][0]
    assert float(found.value) == pytest.approx(weight, rel=1e-4)
    assert abs(float(found.value) - float(found.changed)) <= 0.501
    assert abs(found.after - found.before) > 0.5
    gate = soundness_gates((found,), ())[0]
    assert (gate.name, gate.state) == ("mutation tests", "blocked")
    assert found.row in gate.sentence


def test_noise_far_from_any_cliff_holds(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0))
    version = trained(loop, steps(rows(3000), "price", 60.0), params=STUMPS)
    found = mutation_tests(loop, version, END)[0]
    assert (found.state, found.share) == ("holds", 0.0)
    assert soundness_gates((found,), ())[0].state == "passed"


def test_noise_stays_within_what_the_charter_allows(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("price", "noise", 0.1, step=2000.0), price="min = 0\nmax = 500")
    found = mutation_tests(loop, trained(loop, steps(rows(3000), "price", 60.0)), END)[0]
    assert 0 <= float(found.changed) <= 500


def test_a_unit_slip_a_missing_value_and_a_new_category(workspace: Workspace) -> None:
    slips = (
        mutation("weight", "unit", 0.3, factor=1000.0),
        mutation("weight", "null", 0.3),
        mutation("state", "unseen", 0.01),
        mutation("express", "null", 0.5),
        mutation("promised_at", "null", 0.5),
    )
    loop = declared(workspace, *slips)
    frame = steps(rows(3000), "weight", 5.0)
    unit, null, _, flag, time = mutation_tests(loop, trained(loop, frame), END)
    assert unit.state == "broken"
    assert (unit.size, float(unit.changed) == pytest.approx(1000 * float(unit.value), rel=1e-4)) == ("× 1000", True)
    assert (null.state, null.changed) == ("broken", "missing")
    unseen = mutation_tests(loop, trained(loop), END)[2]
    assert (unseen.state, unseen.changed, unseen.n) == ("broken", "(never seen)", 2000)
    assert (flag.state, time.state) == ("holds", "holds")


def test_rows_without_a_value_are_not_counted(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("price", "null", 0.9))
    found = mutation_tests(loop, trained(loop), END)[0]
    priced = newest_inputs(loop, END)["price"].is_not_null().sum()
    assert found.n == priced < 2000


def test_the_champion_stands_beside_where_it_can_score(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0), weight="monotone = 1")
    steep = trained(loop, steps(rows(3000), "weight", 5.0), features=("weight",))
    flat = trained(loop, steps(rows(3000), "price", 60.0), features=("price",))
    register_external(loop, "vendor", actor="test", as_of=START)
    noise, swept = mutation_tests(loop, flat, END, against=steep)
    assert noise.share == 0.0 < noise.champion_share
    assert swept.champion_share is not None
    noise, swept = mutation_tests(loop, flat, END, against="vendor")
    assert noise.champion_share is None is swept.champion_share
    assert {one.state for one in mutation_tests(loop, "vendor", END)} == {"not_tested"}
    assert "external" in mutation_tests(loop, "vendor", END)[0].reason
    assert soundness_gates(mutation_tests(loop, "vendor", END), ())[0].state == "held"


def test_monotone_is_tested_on_the_score(workspace: Workspace) -> None:
    loop = declared(workspace, weight="monotone = 1")
    bound = trained(loop, params={"monotone_constraints": [0, 1, 0, 0, 0]})
    free = trained(loop, params={"min_data_in_leaf": 3})
    found = mutation_tests(loop, bound, END)[0]
    assert (found.change, found.state, found.share, found.size) == ("monotone", "holds", 0.0, "rising")
    broken = mutation_tests(loop, free, END)[0]
    assert broken.state == "broken"
    assert float(broken.value) < float(broken.changed)
    assert broken.after < broken.before
    # A map that turns scores around breaks what the trees keep.
    turned = trained(loop, params={"monotone_constraints": [0, 1, 0, 0, 0]}, calibration=Calibration("platt", slope=-1))
    assert mutation_tests(loop, turned, END)[0].share > 0.9


def test_what_cannot_rise_is_said(workspace: Workspace) -> None:
    charter = CHARTER.replace('type = "flag"', 'type = "flag"\nmonotone = 1')
    loop = parcels(workspace, charter=charter)
    assert "flag does not rise" in mutation_tests(loop, trained(loop), END)[0].reason


def test_nothing_declared_is_said_and_is_no_gate(workspace: Workspace) -> None:
    loop = declared(workspace)
    found = mutation_tests(loop, "whoever", END)
    assert [one.state for one in found] == ["not_tested"]
    assert "no bound is declared, so nothing is tested" in found[0].sentence
    assert soundness_gates(found, ()) == ()


def test_constant_scores_and_scores_that_are_no_numbers(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0), weight="monotone = 1")
    constant = trained(loop, params={"min_data_in_leaf": 5000})
    assert [(one.state, one.share, one.row) for one in mutation_tests(loop, constant, END)] == [("holds", 0.0, "")] * 2
    nothing = trained(loop, speechless=True)
    for one in mutation_tests(loop, nothing, END):
        assert (one.state, one.share, one.move, one.before, one.after) == ("broken", 1.0, None, None, None)
        assert "no number" in one.example


def test_a_feature_that_was_taken_from_the_charter_is_said(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("price", "null", 0.5))
    version = trained(loop)
    charter = loop.charter.model_copy(
        update={"features": tuple(f for f in loop.charter.features if f.name != "weight")}
    )
    found = mutation_tests(Loop(workspace, charter), version, END)[0]
    assert (found.state, "lack weight" in found.reason) == ("not_tested", True)
    assert soundness_gates((found,), ())[0].state == "held"


def test_no_rows_yet_and_versions_that_are_not(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("price", "null", 0.5))
    version = trained(loop)
    assert "no predictions yet" in mutation_tests(loop, version, START)[0].reason
    with pytest.raises(UnknownNameError, match="nobody"):
        mutation_tests(loop, "nobody", END)


def test_the_same_seed_gives_the_same_rows_in_any_order(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0))
    version = trained(loop)
    assert mutation_tests(loop, version, END) == mutation_tests(loop, version, END)
    assert newest_inputs(loop, END, max_rows=50).equals(newest_inputs(loop, END, max_rows=50))
    assert not newest_inputs(loop, END, max_rows=50).equals(newest_inputs(loop, END, max_rows=50, seed=1))
    pool = rows(3000).sort("predicted_at").tail(500)["prediction_id"]
    assert newest_inputs(loop, END, max_rows=50)["prediction_id"].is_in(pool.implode()).all()


def test_a_share_near_what_may_move_is_undecided(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0, max_share=0.2))
    found = mutation_tests(
        loop, trained(loop, steps(rows(3000), "weight", 5.0), features=("weight",)), END, max_rows=150
    )
    assert found[0].ci_low < 0.2 < found[0].ci_high
    assert (found[0].state, soundness_gates(found, ())[0].state) == ("undecided", "held")


def test_each_class_counts(workspace: Workspace) -> None:
    charter = CHARTER.replace('positive = "late"', 'task = "multiclass"\nclasses = ["early", "late"]')
    charter = charter.replace("[retrain]", mutation("weight", "unit", 0.3, factor=1000.0) + "[retrain]")
    loop = parcels(
        workspace,
        charter=charter.replace('name = "weight"\ntype = "number"', 'name = "weight"\ntype = "number"\nmonotone = 1'),
    )
    version = trained(loop, steps(rows(3000), "weight", 5.0), params={"objective": "multiclass", "num_class": 2})
    unit, swept = mutation_tests(loop, version, END)
    assert (unit.state, unit.of_class in ("early", "late")) == ("broken", True)
    assert "Of several classes" in swept.reason


def test_they_are_kept_in_a_scorecard(workspace: Workspace) -> None:
    loop = declared(workspace, mutation("weight", "noise", 0.1, step=1.0))
    found = mutation_tests(loop, trained(loop), END)
    blank = Scorecard("parcels", None, "x", END, START, END, 0, (), "", "", (), "", 0, "", mutations=found)
    assert Scorecard.from_json(blank.to_json()).mutations == found
    assert parse_charter(CHARTER).mutations == ()
