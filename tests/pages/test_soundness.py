"""Fairness, mutation tests and contract on the Compare page."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.compare import compare
from loop_core.workspace import Workspace
from tests.compare.packages import steps, trained
from tests.once import once
from tests.pages.conftest import Open, charts_of, quiet, said
from tests.retrain.synthetic import CHARTER, END, parcels, rows

FAULTS = """
[compare]
slices = "off"
[[mutations]]
feature = "weight"
change = "noise"
step = 1.0
bound = 0.1
[[mutations]]
feature = "state"
change = "unseen"
bound = 0.9
[retrain]"""


def build(folder: Path) -> Path:
    """A first release whose model has a cliff, and no protected cohort."""
    with Workspace.create(folder) as workspace:
        loop = parcels(workspace, charter=CHARTER.replace("[retrain]", FAULTS))
        version = trained(loop, steps(rows(3000), "weight", 5.0), params={"num_leaves": 2})
        compare(loop, version, as_of=END, actor="ana")
    return folder


@pytest.fixture
def cliff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "cliff", build)


def test_gaps_of_the_protected_cohort(app: Open, full: Path) -> None:
    test = app(full, "compare", detail="Fairness")
    quiet(test)
    assert "Shown only" in said(test)
    assert "“late” is said from a probability of 0.500 on" in said(test)
    assert charts_of(test) == 2
    gaps = next(frame.value for frame in test.dataframe if "furthest apart" in frame.value)
    assert list(gaps["measure"]) == ["demographic parity", "equalized odds"]
    test.segmented_control(key="fair_rate").set_value("true positives").run()
    quiet(test)
    assert "Share of those that were late who are told so." in said(test)


def test_a_mutation_that_moves_scores_names_its_row(app: Open, cliff: Path) -> None:
    test = app(cliff, "compare", detail="Mutations and contract")
    quiet(test)
    tests = next(frame.value for frame in test.dataframe if "moved further" in frame.value)
    assert list(tests["result"]) == ["▲ too far", "● holds"]
    assert "weight" in said(test)
    assert "turns the score from" in said(test)
    assert "All of its 5 inputs are features of the charter" in said(test)


def test_what_was_not_looked_at_is_said(app: Open, cliff: Path, full: Path) -> None:
    assert "No cohort is declared protected = true" in said(app(cliff, "compare", detail="Fairness")).replace("`", "")
    external = said(app(full, "compare", detail="Mutations and contract"))
    assert "what it needs as input is its maker's affair" in external
