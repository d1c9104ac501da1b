"""Commands that read or compute, on hostile values: none fails, and nothing that a terminal acts on is in what it prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loop_core.cli import _logged, app
from loop_core.cli.console import complain
from loop_core.compare.export import scorecard_html
from loop_core.compare.store import load_scorecard
from loop_core.errors import LoopbenchError
from loop_core.workspace import Workspace
from tests.compare.test_export import Seen
from tests.hostile import CHALLENGER, VALUES, fill_hostile
from tests.once import once

#: What may not be in an output; a line feed ends our own lines.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COMMANDS = [
    ["status"],
    ["ledger", "show", "--limit", "0"],
    ["alerts", "outbox"],
    *(
        [*command.split(), "orders"]
        for command in (
            *("drift", "performance", "health", "feedback", "batches", "quarantine list", "alerts list"),
            *("models", "spend", "cohorts list", "triggers show", "charter log"),
        )
    ),
    ["performance", "orders", "--cohort", "state"],
    ["alerts", "show", "orders", "a1"],
    ["card", "orders", CHALLENGER],
    ["compare", "orders", CHALLENGER],
    ["reproduce", "orders", CHALLENGER],
    ["worth", "orders"],
    ["sql", "orders", 'select state as "[/x]\x1b[2J", count(*) as n from predictions group by all'],
    # Their errors.
    ["card", "orders", VALUES[6]],
    ["drift", "orders", "--cohort", f"{VALUES[6]}=x"],
    ["status", VALUES[6]],
    ["approve", "orders", VALUES[6], "--actor", "bea"],
    ["sql", "orders", VALUES[6]],
]
#: One printer makes the JSON of all; these hold what people and data say.
AS_JSON = [
    [*command, "--json"] for command in COMMANDS if command[0] in ("feedback", "batches", "quarantine", "alerts")
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "calling", fill_hostile)


@pytest.mark.parametrize("command", [*COMMANDS, *AS_JSON], ids=lambda words: ascii(" ".join(words))[1:40])
def test_a_command_prints_text(command: list[str], hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = CliRunner().invoke(app, [*command, "-w", str(hostile)])
    said = ran.output
    if isinstance(ran.exception, LoopbenchError):
        # As the entry of the console script does.
        complain(str(ran.exception))
        said += capsys.readouterr().err.replace("\x1b[31m", "").replace("\x1b[0m", "")
    else:
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    assert said
    assert not ACTIVE.search(said), ACTIVE.search(said)
    assert not re.search("^(✗ forged|# h)", said, re.MULTILINE)
    if command[-1] == "--json":
        json.loads(ran.stdout)


def test_an_exported_comparison_is_text(hostile: Path) -> None:
    with Workspace.open(hostile) as workspace:
        loop = workspace.loop("orders")
        card = load_scorecard(loop, loop.entries("comparison.made")[-1].payload["scorecard"])
        seen = Seen(scorecard_html(loop, card))
    assert not {"script", "img", "a", "iframe"} & set(seen.tags)
    said = "\n".join(seen.text)
    for value in (*VALUES, CHALLENGER):
        assert value in said


def test_what_is_logged_of_an_error_forges_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["loop", "sql", "x\n--- forged"])
    _logged(ValueError("y\n--- forged \x1b[2J"))
    text = (tmp_path / ".loopbench-errors.log").read_text()
    assert len(re.findall("^---", text, re.MULTILINE)) == 1
    assert "\x1b" not in text
