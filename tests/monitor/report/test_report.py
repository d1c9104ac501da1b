"""Evidently's report: made once, self-contained, from a stated sample, and without a word to anybody outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from loop_core.errors import NotReadyError, RefusedError, UnknownNameError
from loop_core.jobs import KINDS
from loop_core.monitor.report import Report, evidently_report, latest_report, reports
from loop_core.workspace import Loop, Workspace
from tests.conftest import START
from tests.monitor import world

if TYPE_CHECKING:
    from playwright.sync_api import Browser

END = START + timedelta(days=180)
AS_OF = END + timedelta(days=15)
SPAN = (END - timedelta(days=7), END)
WINDOW = {"window_start": SPAN[0], "window_end": SPAN[1]}
HOSTILE = "</script><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def made(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loop, dict[str, Any]]]:
    """A loop whose weight moved in the newest week, with its two reports, and what the process that made them did."""
    folder = tmp_path_factory.mktemp("evidently") / "w"
    shutil.copytree(templates / "loop", folder)
    rows = world.predictions()
    newest = pl.col("predicted_at") >= WINDOW["window_start"]
    moved = rows.with_columns(
        weight=pl.when(newest).then(pl.col("weight") + 3).otherwise(pl.col("weight")),
        state=pl.when(newest & (pl.col("state") == "SP")).then(pl.lit(HOSTILE)).otherwise(pl.col("state")),
    )
    with Workspace.open(folder) as workspace:
        loop = world.fill(workspace.loop("orders"), moved, world.outcomes(rows))
        home = {"HOME": str(folder.parent / "home"), "MPLCONFIGDIR": str(folder.parent / "home")}
        environment = {k: v for k, v in os.environ.items() if k != "DO_NOT_TRACK"} | home
        command = [sys.executable, "-m", "tests.monitor.report.make_reports", str(folder), END.isoformat()]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        yield loop, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def report(made: tuple[Loop, dict[str, Any]]) -> Report:
    """The report of everybody."""
    found = latest_report(made[0], AS_OF, **WINDOW)
    assert found is not None
    return found


def test_nothing_is_sent_and_nothing_written_outside(made: tuple[Loop, dict[str, Any]]) -> None:
    loop, told = made
    inside = f"write {loop.workspace.path}"
    assert [what for what in told["done"] if not what.startswith((inside, "write /dev/null"))] == []
    assert told["do_not_track"] == "1"
    assert not (loop.workspace.path.parent / "home").exists()


def test_progress_rises_to_its_end(made: tuple[Loop, dict[str, Any]]) -> None:
    steps = made[1]["steps"]
    assert steps == sorted(steps)
    assert steps[0] > 0
    assert steps[-1] <= 1


def test_says_what_moved_and_how_good_the_predictions_were(report: Report) -> None:
    content = json.loads(report.path_json.read_text(), parse_constant=_no_json)
    drift = {m["config"]["column"]: m["value"] for m in content["evidently"]["drift"]["metrics"] if "column" in m["config"] and "ValueDrift" in m["metric_name"]}  # fmt: skip
    assert drift["weight"] > 10 * drift["price"]
    assert "score" in drift
    quality = json.dumps(content["evidently"]["quality"])
    assert "RocAuc" in quality
    assert report.notes == ()
    assert (report.n_current, report.of_current) == (280, 280)
    assert report.sampled == "Made from 280 of 280 rows of the window and 3,600 of 3,600 rows of the reference."


def test_the_page_needs_nothing_from_elsewhere(report: Report) -> None:
    page = report.path_html.read_text()
    tags = re.findall(r"<(?:script|link|img|iframe|video|source)\b[^>]*?(?:src|href)\s*=\s*[\"']?([^\"'>\s]+)", page)
    assert [address for address in tags if not address.startswith(("data:", "#"))] == []
    assert re.findall(r"(?:@import|url\()\s*[\"']?https?:", page) == []
    assert "all 280 rows" in page
    assert HOSTILE not in page
    assert "‹/script>" in page.replace("\\u2039", "‹")


@pytest.mark.browser
def test_a_browser_without_a_network_draws_it(report: Report, browser: Browser) -> None:
    context = browser.new_context(offline=True)
    asked: list[str] = []
    try:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.path_html.as_uri())
        page.get_by_text("Dataset Drift", exact=False).first.wait_for(timeout=20_000)
        assert page.title() != "taken"
    finally:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_same_request_gives_the_stored_report(
    made: tuple[Loop, dict[str, Any]], report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loop_core.monitor.report.rendering.render", lambda *_: pytest.fail("made again"))
    assert evidently_report(made[0], AS_OF, window=SPAN) == report
    with pytest.raises(pytest.fail.Exception, match="made again"):
        evidently_report(made[0], AS_OF, window=SPAN, seed=1)


def test_a_cohort_has_a_report_of_its_own(made: tuple[Loop, dict[str, Any]], report: Report) -> None:
    mine = latest_report(made[0], AS_OF, **WINDOW, cohort="state", cohort_value="BA")
    assert mine is not None
    assert mine.of_current < report.of_current / 5
    assert any("Quality is left out" in note for note in mine.notes)
    assert {one.request.id for one in reports(made[0])} == {report.request.id, mine.request.id}


def test_what_was_known_later_is_not_shown(made: tuple[Loop, dict[str, Any]]) -> None:
    assert latest_report(made[0], AS_OF - timedelta(days=1), **WINDOW) is None


def test_a_damaged_file_is_no_report(made: tuple[Loop, dict[str, Any]], report: Report) -> None:
    beside = report.path_json.with_name("0.json")
    for text in ("{", "{}", '{"request": {"as_of": "soon"}}'):
        beside.write_text(text)
        assert len(reports(made[0])) == 2
    beside.unlink()


def test_the_job_and_the_command_give_it(made: tuple[Loop, dict[str, Any]], report: Report) -> None:
    from tests.cli.test_cli import run

    ws = made[0].workspace
    window = {name: moment.isoformat() for name, moment in WINDOW.items()}
    params = {"loop": "orders", "actor": "ana", "as_of": AS_OF.isoformat(), **window}
    result = KINDS["evidently"](ws, params, lambda share, text: None, lambda: False)
    assert result["report"] == report.request.id
    said = run(
        "report", "evidently", "orders", "--window", f"{WINDOW['window_start']:%Y-%m-%d}", "--as-of", f"{AS_OF:%Y-%m-%d}",
        workspace=ws.path,
    )  # fmt: skip
    assert report.sampled in said
    assert str(report.path_html) in said


def test_what_cannot_be_reported_is_said(made: tuple[Loop, dict[str, Any]], loop: Loop) -> None:
    full, (start, end) = made[0], SPAN
    with pytest.raises(RefusedError, match="holds no time"):
        evidently_report(full, AS_OF, window=(end, start))
    with pytest.raises(NotReadyError, match="no predictions in the window"):
        evidently_report(full, AS_OF, window=(AS_OF + timedelta(days=70), AS_OF + timedelta(days=77)))
    with pytest.raises(NotReadyError, match="state = ZZ"):
        evidently_report(full, AS_OF, window=SPAN, cohort="state", cohort_value="ZZ")
    with pytest.raises(UnknownNameError, match="cohort"):
        evidently_report(full, AS_OF, window=SPAN, cohort="planet", cohort_value="Mars")
    with pytest.raises(RefusedError, match="both or neither"):
        evidently_report(full, AS_OF, window=SPAN, cohort="state")
    with pytest.raises(NotReadyError, match="no predictions yet"):
        evidently_report(loop, AS_OF, window=SPAN)


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
