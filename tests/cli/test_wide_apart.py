"""Whole ways that real use took, by the commands alone: a stray of another year, a certain move too small to matter, a
comparison without cohorts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from loop_core.cli import app
from tests.compare.late_labels import CHARTER as FRAUD
from tests.compare.late_labels import START as FRAUD_START
from tests.compare.late_labels import world

START = datetime(2024, 1, 1, tzinfo=UTC)
CHARTER = """
[loop]
name = "m"
title = "M"
purpose = "p"
positive = "yes"
clock = "data"
[roles]
owner = "ana"
[labels]
horizon_days = 30
[[features]]
name = "x"
type = "number"
[[features]]
name = "c"
type = "category"
[[metrics]]
name = "log_loss"
margin = 0.01
"""


@pytest.fixture
def loop(tmp_path, monkeypatch):
    """A function that runs `loop …` in a fresh workspace; its output."""
    monkeypatch.setenv("LOOPBENCH_WORKSPACE", str(tmp_path / "w"))
    monkeypatch.setenv("LOOPBENCH_ACTOR", "ana")

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    run("init", str(tmp_path / "w"))
    return run


def given(loop, tmp_path, charter, predictions, signal="predictions"):
    """Put the charter in force, and bring the predictions in."""
    (tmp_path / "charter.toml").write_text(charter)
    loop("charter", "apply", str(tmp_path / "charter.toml"), "--reason", "first")
    brought(loop, tmp_path, charter.split('"')[1], predictions, signal)


def brought(loop, tmp_path, name, rows, signal, *more):
    path = tmp_path / f"{signal}-{rows.height}.parquet"
    rows.write_parquet(path)
    loop("ingest", name, signal, str(path), *more)


def drawn(weeks, a_week, shift, since, step):
    """Predictions over weeks: from week `since` on x gains `shift`, and `step` of the rows have another category."""
    rng, n = np.random.default_rng(1), weeks * a_week
    late = np.arange(n) >= since * a_week
    return pl.DataFrame(
        {
            "prediction_id": [f"{k:07d}" for k in range(n)],
            "predicted_at": [START + timedelta(days=7 * weeks * k / n) for k in range(n)],
            "model_version": "old",
            "score": rng.uniform(0.05, 0.95, n),
            "x": rng.standard_normal(n) + shift * late,
            "c": np.where(late & (rng.random(n) < step), "new", rng.choice(["a", "b"], n)),
        }
    )


def states(text):
    return {one["feature"]: one["state"] for one in json.loads(text) if one["method"] == "psi"}


STRAYS = ("1970-01-01T00:00:00+00:00", "2019-06-01T00:00:00+00:00", "0024-06-01T00:00:00+00:00")


def test_one_row_of_another_year_switches_no_alarm_off(loop, tmp_path):
    given(loop, tmp_path, CHARTER, drawn(28, 150, 2.0, 24, 0.5))
    loop("register", "m", "old", "--train-end", "2024-01-01")
    before = loop("drift", "m", "--weeks", "1", "--json")
    strays = [f"p{place},{stray},old,0.5,0.1,a" for place, stray in enumerate(STRAYS)]
    (tmp_path / "strays.csv").write_text("\n".join(["prediction_id,predicted_at,model_version,score,x,c", *strays, ""]))
    loop("ingest", "m", "predictions", str(tmp_path / "strays.csv"))
    after = json.loads(loop("drift", "m", "--weeks", "3000", "--json"))
    newest = json.loads(before)[0]["window_start"]
    assert states(before)["x"] == states(before)["c"] == "alarm"
    assert states(json.dumps([one for one in after if one["window_start"] == newest])) == states(before)
    # And no walk over windows in which there is nothing.
    assert len({one["window_start"] for one in after}) < 30


def test_a_certain_move_too_small_to_matter_is_watched_and_the_charter_says_how_small(loop, tmp_path):
    given(loop, tmp_path, CHARTER, drawn(18, 8_000, 0.07, 16, 0.0))
    loop("register", "m", "old", "--train-end", "2024-01-01")
    assert states(loop("drift", "m", "--weeks", "1", "--json"))["x"] == "watch"
    (tmp_path / "charter.toml").write_text(f"{CHARTER}\n[monitor]\nmin_shift = 0.01\n")
    loop("charter", "apply", str(tmp_path / "charter.toml"), "--reason", "smaller moves count")
    assert states(loop("drift", "m", "--weeks", "1", "--json"))["x"] == "alarm"


def test_a_loop_without_cohorts_is_compared_by_the_command(loop, tmp_path):
    made = world(0, 3_000)
    at = [FRAUD_START + timedelta(days=float(age)) for age in made.age]
    ids = [f"{k:05d}" for k in range(len(at))]
    rows = pl.DataFrame(
        {"prediction_id": ids, "predicted_at": at, "score": made.old, "model_version": "old", "amount": made.old}
    )
    given(loop, tmp_path, FRAUD, rows)
    scores = pl.DataFrame({"prediction_id": ids, "score": made.new, "scored_at": at})
    brought(loop, tmp_path, "fraud", scores, "scores", "--model-version", "new")
    known = [moment + timedelta(days=float(late)) for moment, late in zip(at, made.delay, strict=True)]
    labels = pl.DataFrame({"prediction_id": ids, "label": made.label, "observed_at": known})
    brought(loop, tmp_path, "fraud", labels, "outcomes")
    for version in ("old", "new"):
        loop("register", "fraud", version, "--train-end", "2026-01-05")
    found = loop("compare", "fraud", "new", "--against", "old", "--as-of", "2026-04-20")
    assert "Ship" in found
    assert "3,000 labelled rows that are due" in found
    assert "better" in found
    assert "cannot be compared" not in found
