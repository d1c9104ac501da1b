"""Proposed rules: the reference keeps them all, what was planted later does not, and endless lists stay open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError, NotReadyError
from loop_core.gates import BatchReport
from loop_core.gates.batch_rules import BatchFacts, breaches
from loop_core.gates.suggest import Suggestions, suggest_gates, with_suggestions
from loop_core.gates.suggest.period import outward
from loop_core.recipes import Simulation, simulate_recipe
from loop_core.resources import resource_folder
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.gates.batches import arrival, file, frame
from tests.signals.deliveries import deliver

LATER = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = (datetime(2024, 9, 16, tzinfo=UTC), datetime(2025, 2, 3, tzinfo=UTC))


class World:
    """The simulated marketplace under its own charter, and a second loop under the charter with every proposal."""

    def __init__(self, folder: Path) -> None:
        simulate_recipe("deliveries", folder / "files", Simulation(30_000, 3))
        self.folder = folder
        self.truth: dict[str, Any] = json.loads((folder / "files" / "truth.json").read_text())
        self.rows = pl.read_parquet(folder / "files" / "predictions-*.parquet").sort("predicted_at")
        self.text = (resource_folder("data") / "deliveries" / "charter.toml").read_text()
        with Workspace.create(folder / "w") as workspace:
            loop = workspace.set_charter(self.text, actor="ana", reason="", as_of=START)
            self.send(loop, self.rows, "all")
            self.found = suggest_gates(loop, LATER, span=SPAN)
        self.workspace = Workspace.create(folder / "guarded")
        text = with_suggestions(self.text, self.found)
        self.guarded = self.workspace.set_charter(text, actor="ana", reason="", as_of=START)

    def send(self, loop: Loop, rows: pl.DataFrame, name: str) -> BatchReport:
        rows.write_parquet(self.folder / f"{name}.parquet")
        return deliver(loop, Signal.PREDICTIONS, self.folder / f"{name}.parquet", as_of=LATER)

    def between(self, start: datetime, end: datetime) -> pl.DataFrame:
        return self.rows.filter(pl.col("predicted_at").is_between(start, end, closed="left"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("suggest"))
    yield made
    made.workspace.close()


def test_the_reference_keeps_every_rule(world: World) -> None:
    for day in range(0, 140, 20):
        start = SPAN[0] + timedelta(days=day)
        report = world.send(world.guarded, world.between(start, start + timedelta(days=1)), f"day-{day}")
        assert (report.state, report.quarantined) == ("ingested", 0), report
    reference = world.between(*SPAN)
    report = world.send(world.guarded, reference, "reference")
    assert (report.state, report.quarantined) == ("ingested", 0), report
    assert report.accepted + report.unchanged == reference.height == world.found.rows


def test_every_rule_says_its_evidence(world: World) -> None:
    kinds = {rule.kind for rule in world.found.rules}
    assert {"range", "nulls", "volume"} <= kinds
    lines = world.found.toml.splitlines()
    assert all("  # " in line for line in lines if line.startswith(("check", "max_", "weekday_rows")))
    # What the charter declares already is not proposed again.
    assert not any(rule.key.startswith(("carrier_known", "promised_days_there")) for rule in world.found.rules)
    assert "price >= " not in world.found.toml


def test_a_unit_slip_is_held_back_and_the_others_pass(world: World) -> None:
    event = next(event for event in world.truth["events"] if event["kind"] == "unit_slip")
    start, end = (datetime.fromisoformat(event[key]).replace(tzinfo=UTC) for key in ("start", "end"))
    rows = world.between(start, end)
    slipped = rows.filter(channel="csv_upload")
    assert slipped.height > 50
    report = world.send(world.guarded, rows, "slipped")
    broken = {rule.rule: rule.rows for rule in report.rules}
    assert broken["weight_kg_range"] >= 0.95 * slipped.height
    assert report.state == "stopped"  # one row in five says that the batch is wrong, not the rows
    check = next(rule.value for rule in world.found.rules if rule.key == "weight_kg_range")
    held = rows.filter(~pl.sql_expr(check))
    assert held.filter(channel="csv_upload").height >= 0.95 * slipped.height
    assert held.filter(pl.col("channel") != "csv_upload").height <= 0.002 * rows.height
    before = world.send(world.guarded, world.between(start - timedelta(days=21), start), "before")
    assert before.state == "ingested"
    assert before.quarantined <= 0.002 * before.received


def test_floods_of_nulls_are_held_back_or_stopped(world: World) -> None:
    start = datetime(2025, 2, 10, tzinfo=UTC)
    rows, third = world.between(start, start + timedelta(days=7)), pl.int_range(pl.len()) % 3 == 0
    never = world.send(world.guarded, rows.with_columns(pl.when(~third).then("weight_kg")), "flood-1")
    assert {rule.rule: rule.rows for rule in never.rules}["weight_kg_there"] == rows.select(third).sum().item()
    rarely = world.send(world.guarded, rows.with_columns(pl.when(~third).then("seller_late_share")), "flood-2")
    assert rarely.state == "stopped"
    assert any(note.startswith("nulls: seller_late_share is null in 3") for note in rarely.notes), rarely.notes


def test_half_a_day_is_stopped(world: World) -> None:
    start = datetime(2025, 2, 4, tzinfo=UTC)
    rows = world.between(start, start + timedelta(days=1))
    report = world.send(world.guarded, rows.head(rows.height // 5), "half")
    assert report.state == "stopped"
    assert "rows on a tue" in report.notes[0]


def test_olist_keeps_what_was_learned_from_it(olist: Loop, olist_rows: pl.DataFrame, tmp_path: Path) -> None:
    span = (datetime(2017, 2, 1, tzinfo=UTC), datetime(2017, 8, 1, tzinfo=UTC))
    found = suggest_gates(olist, LATER, span=span)
    # Fifty-odd categories and states with a handful of orders: the next order may bring another.
    assert not any(rule.kind == "categories" for rule in found.rules)
    assert any("closed list for category" in note for note in found.notes)
    olist_rows.filter(pl.col("predicted_at").is_between(*span, closed="left")).write_parquet(
        tmp_path / "reference.parquet"
    )
    text = with_suggestions(olist.workspace.charter_file("orders").read_text(), found)
    with Workspace.create(tmp_path / "again") as workspace:
        again = workspace.set_charter(text, actor="ana", reason="", as_of=START)
        report = deliver(again, Signal.PREDICTIONS, tmp_path / "reference.parquet", as_of=LATER)
    assert (report.state, report.quarantined, report.accepted) == ("ingested", 0, found.rows)


# -- small ---------------------------------------------------------------------------------------------------------


def _daily(loop: Loop, folder: Path, days: int = 6, mean: float = 60) -> None:
    rng = np.random.default_rng(0)
    for day in range(days):
        rows = frame(rng, day, mean, weekly=False).with_columns(weight=pl.lit(None, pl.Float64))
        deliver(loop, Signal.PREDICTIONS, file(folder, rows, day), as_of=arrival(day))


def test_daily_batches_teach_freshness_and_little_data_teaches_little(loop: Loop, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="no predictions"):
        suggest_gates(loop, LATER)
    _daily(loop, tmp_path)
    found = suggest_gates(loop, LATER)
    keys = {rule.key: rule for rule in found.rules}
    assert keys["max_age_days"].value == "1"
    assert (keys["max_duplicate_share"].value, keys["max_quarantine_share"].value) == ("0.01", "0.05")
    assert not any(rule.kind == "volume" for rule in found.rules)
    assert "range of weight: 0 values" in " ".join(found.notes)
    assert "nulls of weight: it has no value" in " ".join(found.notes)
    assert keys["price_range"].value.startswith("price <= ")  # the charter has min = 0 already
    with pytest.raises(NotReadyError, match="has 0 predictions"):
        suggest_gates(loop, LATER, span=(LATER - timedelta(days=7), LATER))


@pytest.mark.parametrize(
    ("values", "closed"),
    [
        (["a", "b", "it's"] * 100, True),
        ([*(["a", "b"] * 150), "seen once"], False),
        ([*(["a"] * 200), *(["new"] * 100)], False),
        ([f"v{i % 60}" for i in range(600)], False),
        (["a", "b"] * 60, False),
    ],
    ids=["closed", "a tail", "new at last", "too many", "too few rows"],
)
def test_only_lists_that_are_complete_are_closed(
    workspace: Workspace, tmp_path: Path, values: list[str], closed: bool
) -> None:
    text = CHARTER.replace('values = ["SP", "RJ", "BA"]', "")
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=START)
    rows = pl.DataFrame({"prediction_id": [f"p{i}" for i in range(len(values))], "state": values, "weight": 1.0, "price": 1.0})  # fmt: skip
    rows = rows.with_columns(predicted_at=pl.lit(START) + pl.duration(minutes=60 * pl.int_range(pl.len())))
    padded = pl.concat(
        [rows, rows.with_columns(("x" + pl.col("prediction_id")).alias("prediction_id"), state=pl.lit(None, pl.String))]
    )
    padded.write_parquet(tmp_path / "a.parquet")
    deliver(loop, Signal.PREDICTIONS, tmp_path / "a.parquet", as_of=LATER)
    found = suggest_gates(loop, LATER)
    assert [rule.value for rule in found.rules if rule.kind == "categories"] == (["state in ('a', 'b', 'it''s')"] if closed else [])  # fmt: skip
    guarded = parse_charter(with_suggestions(text, found))
    if closed:
        assert (
            next(rule.check for rule in guarded.rules if rule.name == "state_known") == "state in ('a', 'b', 'it''s')"
        )


def test_proposals_go_to_their_place_and_only_once(loop: Loop, tmp_path: Path) -> None:
    _daily(loop, tmp_path)
    found: Suggestions = suggest_gates(loop, LATER)
    text = f"{CHARTER}\n[gates.predictions]  # ours\nmin_rows = 3\n\n[gates.outcomes]\nmin_rows = 1\n"
    merged = with_suggestions(text, found)
    rules = parse_charter(merged).gates.predictions
    assert (rules.min_rows, rules.max_duplicate_share) == (3, 0.01)
    assert "[gates.predictions]  # ours" in merged
    assert parse_charter(CHARTER + found.toml).gates.predictions.max_duplicate_share == 0.01
    with pytest.raises(CharterError):
        parse_charter(with_suggestions(merged, found))


def test_the_command_writes_what_can_be_applied(workspace: Workspace, tmp_path: Path) -> None:
    from tests.cli.test_cli import run

    loop = workspace.set_charter(CHARTER, actor="ana", reason="", as_of=START)
    _daily(loop, tmp_path)
    said = run("gates", "suggest", "orders", "--write", workspace=workspace.path)
    assert 'name = "price_range"' in said.splitlines(), "TOML, a line each"
    assert "loop charter apply" in said
    file_ = workspace.charter_file("orders")
    assert "price_range" in file_.read_text()
    assert workspace.loop("orders").charter == loop.charter  # in force only once applied
    run("charter", "apply", str(file_), "--reason", "gates", workspace=workspace.path)
    assert "price_range" in {rule.name for rule in workspace.loop("orders").charter.rules}
    assert suggest_gates(workspace.loop("orders"), LATER).rules == ()


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.1, 0.123, 7.77, 99.5, 1234.5, 1e12, 3e300])
def test_bounds_are_rounded_away_from_the_values(value: float) -> None:
    for one in (value, -value):
        assert outward(one, up=True) >= one >= outward(one, up=False)
        assert abs(outward(one, up=True) - one) <= 0.1 * abs(one)


def test_batches_are_held_to_their_weekday_and_null_shares() -> None:
    rules = parse_charter(f"{CHARTER}\n[gates.predictions]\nweekday_rows.mon = [10, 20]\nmax_null_share.price = 0.1\n").gates.predictions  # fmt: skip

    def broken(rows: int, weekday: Any, share: float = 0.0) -> tuple[str, ...]:
        return breaches(rules, BatchFacts(rows, 0, 0, None, START, {"price": share}, weekday))

    assert broken(9, "mon") == ("volume: 9 rows on a mon, 10 to 20 wanted",)
    assert broken(10, "mon") == broken(20, "mon") == broken(9, "tue") == broken(9, None) == ()
    assert broken(21, "mon") != ()
    assert broken(20, None, 0.11) == ("nulls: price is null in 11.0% of the rows, at most 10.0% wanted",)
    assert broken(19, None, 0.5) == broken(20, None, 0.1) == ()
    with pytest.raises(CharterError, match="no span"):
        parse_charter(f"{CHARTER}\n[gates.predictions]\nweekday_rows.mon = [20, 10]\n")
    with pytest.raises(CharterError, match="no column"):
        parse_charter(f"{CHARTER}\n[gates.predictions]\nmax_null_share.planet = 0.1\n")
