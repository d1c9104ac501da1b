"""From a confirmed slice to a declared cohort, on a lake: compare, declare, compare again; and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from loop_core.cli import app
from loop_core.compare import Scorecard, compare, declare_slice, declared_as, load_scorecard
from loop_core.compare.store import identified, save_scorecard
from loop_core.errors import CharterError, LoopbenchError, NotReadyError, RefusedError, UnknownNameError
from loop_core.models import register_external
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, fill, outcomes, predictions
from tests.once import once

LATER = START + timedelta(days=DAYS + 61)
#: Comments that a change must not lose.
NOTED = "# what we promised the carriers\n" + CHARTER + "\n# nothing below this line\n"


def build_dear(folder):
    """The challenger `dear` is better than `old`, but knows next to nothing where the price is high."""
    with Workspace.create(folder) as workspace:
        loop = workspace.set_charter(NOTED, actor="ana", reason="first", as_of=START)
        rows = predictions()
        fill(loop, rows, outcomes(rows))
        chance, dear = rows["chance"].to_numpy(), rows["price"].to_numpy() > rows["price"].quantile(0.9)
        noise = np.random.default_rng(5).normal(0, 1, rows.height) * np.where(dear, 1.8, 0.05)
        said = 1 / (1 + np.exp(-np.log(chance / (1 - chance)) - noise))
        frame = rows.select(
            "prediction_id", scored_at="predicted_at", model_version=pl.lit("dear"), score=pl.Series(said)
        )

        def body(tx):
            tx.register("s", frame)
            tx.execute(f"insert into {loop.table('scores')} by name from s")

        loop.lake.write(body, actor="ana", message="dear")
        register_external(loop, "dear", actor="ana", as_of=START, train_end=START)
        compare(loop, "dear", as_of=LATER, actor="ana")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return once(tmp_path_factory, "declare", build_dear)


@pytest.fixture
def loop(made, tmp_path):
    import shutil

    shutil.copytree(made, tmp_path / "w")
    with Workspace.open(tmp_path / "w") as workspace:
        yield workspace.loop("orders")


@pytest.fixture
def card(loop) -> Scorecard:
    return load_scorecard(loop, loop.entries("comparison.made")[-1].payload["scorecard"])


def declare(loop: Loop, card: Scorecard, **other: str) -> Loop:
    given = {"name": "dear_orders", "reason": "they pay most", "slice_id": "s1", "scorecard": card.id} | other
    name, reason = given["name"], given["reason"]
    return declare_slice(
        loop, given["scorecard"], given["slice_id"], name=name, reason=reason, actor="ana", as_of=LATER
    )  # fmt: skip


def test_a_comparison_finds_the_slice_and_blocks(loop, card):
    (one,) = card.slices
    assert one.columns == ("price",)
    assert one.text.startswith("price above ")
    assert (one.gap < 0, one.gap_search < 0, one.metric) == (True, True, "log_loss")
    gate = next(gate for gate in card.gates if gate.name == "no slice worse")
    assert (gate.state, one.text in gate.sentence, card.badge) == ("blocked", True, "Do not ship")
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_declared_slice_is_a_cohort_of_the_next_comparison(loop, card):
    after = declare(loop, card)
    cohort, (one,) = after.charter.cohort("dear_orders"), card.slices
    assert (cohort.expression, cohort.min_rows) == (f"case when {one.sql} then 'inside' else 'outside' end", 200)
    assert declared_as(after.charter, one) == "dear_orders"
    entry = after.entries("charter.changed")[-1]
    assert (entry.actor, entry.reason, entry.subject) == ("ana", "they pay most", "charter v2")
    text = loop.workspace.charter_file("orders").read_text()
    assert text == entry.payload["text"]
    assert text.startswith(NOTED)
    assert f"# Slice s1 of scorecard {card.id}: {one.text}." in text

    again = compare(after, "dear", as_of=LATER, actor="ana")
    inside = next(c for c in again.cells if (c.cohort, c.cohort_value) == ("dear_orders", "inside"))
    assert (inside.n, inside.verdict) == (one.n + one.n_search, Verdict.WORSE)
    assert "dear_orders inside" in next(g for g in again.gates if g.name == "no cohort worse").sentence
    # It is told once: as a cohort.
    assert not again.slices


def test_a_charter_that_changed_since_the_slice_was_seen_is_looked_at_again(loop, card):
    seen = loop.ledger.length()
    changed = NOTED.replace("margin = 0.01", "margin = 0.02")
    loop.workspace.set_charter(changed, actor="bo", reason="too strict", as_of=LATER)
    before = loop.ledger.length()
    with pytest.raises(RefusedError, match="charter of orders changed since you looked: bo put in force charter v2"):
        declare_slice(loop, card.id, "s1", name="dear", reason="x", actor="ana", as_of=LATER, seen=seen)
    assert loop.ledger.length() == before


def test_the_command_declares_and_lists(loop, card):
    folder = str(loop.workspace.path)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--workspace", folder], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "price above" in run("compare", "orders", "dear", "--as-of", f"{LATER:%Y-%m-%d}")
    said = run(
        "cohorts", "declare", "orders", "dear_orders", "--reason", "they pay most", "--as-of", f"{LATER:%Y-%m-%d}"
    )
    assert "charter v2 of orders is in force: dear_orders is a cohort" in said
    assert "dear_orders" in run("cohorts", "list", "orders")


@pytest.mark.parametrize(
    ("other", "error", "said"),
    [
        ({"name": "state"}, RefusedError, "'state' is the name of a cohort"),
        ({"name": "price"}, RefusedError, "'price' is the name of a column"),
        ({"name": "Dear Orders"}, CharterError, "With cohort 'Dear Orders' the charter does not validate"),
        ({"name": 'x"\n[loop]'}, CharterError, "does not validate"),
        ({"reason": "  "}, RefusedError, "without a reason"),
        ({"slice_id": "s9"}, UnknownNameError, "one of: s1"),
        ({"scorecard": "0" * 12}, UnknownNameError, "There is no scorecard"),
    ],
)
def test_what_is_refused_changes_nothing(loop, card, other, error, said):
    with pytest.raises(error, match=said):
        declare(loop, card, **other)
    assert len(loop.entries("charter.changed")) == 1
    assert loop.workspace.charter_file("orders").read_text() == NOTED


def test_a_slice_is_declared_once(loop, card):
    declare(loop, card)
    with pytest.raises(RefusedError, match="declared already, as cohort 'dear_orders'"):
        declare(loop, card, name="other")
    with pytest.raises(RefusedError, match="name of a cohort"):
        declare(loop, card)


def test_a_column_dropped_since_is_named(loop, card):
    without = NOTED.replace('[[features]]\nname = "price"\ntype = "number"\nmin = 0\n', "")
    loop.workspace.set_charter(without, actor="ana", reason="no prices", as_of=LATER)
    with pytest.raises(RefusedError, match="needs price, which the charter no longer declares"):
        declare(loop, card)


def test_an_expression_that_is_none_is_not_put_in_force(loop, card):
    broken = replace(card.slices[0], sql="no_such_function(price) > 3")
    odd = identified(replace(card, slices=(broken,)))
    save_scorecard(loop, odd, actor="ana")
    with pytest.raises(RefusedError, match="can no longer be evaluated"):
        declare(loop, odd)
    assert len(loop.entries("charter.changed")) == 1


def test_a_category_may_hold_any_text(loop, card):
    value = 'O\'Neill "{x}" $as_of %s \\ \n\x07 # [[cohorts]]'
    literal = value.replace("'", "''")
    odd = replace(card.slices[0], text=f"state is {value}", sql=f"\"state\" = '{literal}'", columns=["state"])
    save_scorecard(loop, stored := identified(replace(card, slices=(odd,))), actor="ana")
    after = declare(loop, stored)
    assert after.charter.cohort("dear_orders").expression == f"case when {odd.sql} then 'inside' else 'outside' end"
    again = compare(after, "dear", as_of=LATER, record=False)
    assert {c.cohort_value for c in again.cells if c.cohort == "dear_orders"} == {"outside"}


def test_edits_that_are_not_in_force_are_neither_lost_nor_put_in_force(loop, card):
    file = loop.workspace.charter_file("orders")
    for edited in (NOTED.replace("margin = 0.01", "margin = 0.5"), "[loop", ""):
        file.write_text(edited)
        with pytest.raises(RefusedError, match="edits that are not in force"):
            declare(loop, card)
        assert file.read_text() == edited
    file.write_text(NOTED + "# only a comment more\n")
    declare(loop, card)
    assert "# only a comment more" in file.read_text()


def test_cohorts_written_in_one_line_are_said_to_be_in_the_way(loop, card):
    text = NOTED.replace('[[cohorts]]\nname = "state"\nmin_rows = 50\n', "")
    file = loop.workspace.charter_file("orders")
    file.write_text('cohorts = [{ name = "state", min_rows = 50 }]\n' + text)
    with pytest.raises(CharterError, match=r"\[\[cohorts\]\] tables"):
        declare(loop, card)


def test_without_a_comparison_the_command_says_what_comes_first(workspace):
    workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    given = ["cohorts", "declare", "orders", "x", "--reason", "y", "--workspace", str(workspace.path)]
    result = CliRunner().invoke(app, given)
    assert isinstance(result.exception, NotReadyError)
    assert isinstance(result.exception, LoopbenchError)
    assert "has no comparison yet" in str(result.exception)
