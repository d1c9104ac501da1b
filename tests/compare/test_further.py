"""What a comparison looks at beside metrics reaches the scorecard, its gates, the model card and the command line."""

from __future__ import annotations

import polars as pl
import pytest
from typer.testing import CliRunner

from loop_core.cli import app
from loop_core.compare import compare, load_scorecard, model_card
from loop_core.workspace import Loop
from tests.compare.packages import trained
from tests.compare.test_comparison import LATER, challenger
from tests.conftest import CHARTER, START
from tests.monitor.world import fill, outcomes, predictions
from tests.retrain.synthetic import CHARTER as PARCELS
from tests.retrain.synthetic import END, parcels

FAIR = (
    CHARTER.replace("min_rows = 50", "min_rows = 50\nprotected = true")
    + "\n[compare]\nfairness_margin = 0.03\nslices = 'off'\n"
)
NOISE = '\n[[mutations]]\nfeature = "weight"\nchange = "noise"\nstep = 1\nbound = 0.3\n'


@pytest.fixture
def rows(workspace) -> pl.DataFrame:
    return predictions()


def compared(workspace, rows: pl.DataFrame, text: str, **model: object) -> tuple[Loop, str]:
    loop = workspace.set_charter(text, actor="ana", reason="first", as_of=START)
    fill(loop, rows, outcomes(rows))
    challenger(loop, rows, "new", 0.05, **model)
    return loop, compare(loop, "new", as_of=LATER, actor="ana").id


def test_a_gap_that_widens_blocks_the_release(workspace, rows) -> None:
    loop, card_id = compared(workspace, rows, FAIR, harmed="BA")
    card = load_scorecard(loop, card_id)
    gate = next(gate for gate in card.gates if gate.name == "fairness state")
    assert gate.state == "blocked"
    assert {one.measure for one in card.fairness} == {"demographic_parity", "equalized_odds"}
    assert {one.cohort_value for one in card.fairness_rates} == {"SP", "RJ", "BA"}
    assert card == compare(loop, "new", as_of=LATER, record=False), "the same rows, the same card"
    told = next(s for s in model_card(loop, LATER, "new").sections if s.title.startswith("Fairness"))
    assert any("demographic parity: gap" in line for line in told.lines)


def test_external_models_are_a_stated_outcome(workspace, rows) -> None:
    loop, card_id = compared(workspace, rows, FAIR + NOISE)
    card = load_scorecard(loop, card_id)
    states = {gate.name: gate.state for gate in card.gates}
    assert (states["mutation tests"], states["contract"]) == ("held", "passed")
    assert {one.state for one in card.mutations} == {"not_tested"}
    assert [one.state for one in card.contract] == ["unknown", "ok"]


def test_what_is_not_declared_is_said_and_gates_nothing(workspace, rows) -> None:
    loop, card_id = compared(workspace, rows, CHARTER)
    names = [gate.name for gate in load_scorecard(loop, card_id).gates]
    assert "contract" in names
    assert not [name for name in names if name.startswith(("fairness", "mutation"))]
    found = CliRunner().invoke(
        app, ["compare", "orders", "new", "--workspace", str(workspace.path), "--as-of", LATER.isoformat()]
    )
    assert found.exit_code == 0, found.output
    assert "no bound is declared, so nothing is tested" in found.output
    assert "declares no protected cohort" in found.output
    assert "contract, inputs: unknown." in found.output


def test_a_first_release_is_looked_at_too(workspace) -> None:
    loop = parcels(workspace, charter=PARCELS.replace("[retrain]", NOISE + "\n[retrain]"))
    card = compare(loop, trained(loop), as_of=END, actor="ana")
    states = {gate.name: gate.state for gate in card.gates}
    assert (card.champion, states["contract"], "mutation tests" in states) == (None, "passed", True)
    assert (len(card.mutations), len(card.contract), card.fairness) == (1, 6, ())
    assert load_scorecard(loop, card.id) == card
