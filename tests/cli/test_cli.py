"""The `loop` command as a person types it: real processes, real exit codes, errors without a stack trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.cli import app, progress
from loop_core.cli.options import TYPED
from loop_core.cli.pasting import pasteable
from loop_core.errors import QueryError, RefusedError, SourceError
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START


def loop_command(*arguments: str, workspace: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `loop …` in a process of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("LOOPBENCH_")}
    extra = ["--workspace", str(workspace)] if workspace else []
    command = [sys.executable, "-c", "from loop_core.cli import main; main()", *arguments, *extra]
    return subprocess.run(command, capture_output=True, text=True, env=env)


def run(*arguments: str, workspace: Path | None = None) -> str:
    """Run `loop …` in this process, which is quicker → what it printed."""
    from typer.testing import CliRunner

    extra = ["--workspace", str(workspace)] if workspace else []
    result = CliRunner().invoke(app, [*arguments, *extra], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_errors_go_to_standard_error_in_a_sentence(tmp_path: Path) -> None:
    result = loop_command("status", workspace=tmp_path / "none")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "There is no workspace at" in result.stderr
    assert "To do:" in result.stderr
    assert "Traceback" not in result.stderr


def test_outside_a_workspace_it_says_how_to_name_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from loop_core.cli import main; main()", "status"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert "add --workspace FOLDER" in result.stderr


def test_init_import_status(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    assert "Workspace made" in run("init", str(folder))
    assert "No loops yet" in run("status", workspace=folder)
    assert json.loads(run("status", "--json", workspace=folder)) == []


def test_draft_check_apply(tmp_path: Path) -> None:
    data, folder = tmp_path / "d.parquet", tmp_path / "w"
    pl.DataFrame({"prediction_id": ["a", "b"], "predicted_at": [START, START], "price": [1.0, 2.0]}).write_parquet(data)
    run("init", str(folder), "--from", str(data), "--name", "churn")
    draft = folder / "loops" / "churn.toml"
    checked = run("charter", "check", str(draft))
    assert "is valid" in checked
    assert "lines are still marked EDIT" in checked
    assert "charter v1 of churn is in force" in run(
        "charter", "apply", str(draft), "--reason", "first", workspace=folder
    )
    log = json.loads(run("charter", "log", "churn", "--json", workspace=folder))
    assert [entry["reason"] for entry in log] == ["first"]
    draft.write_text(draft.read_text() + "\nnonsense = 1\n")
    result = loop_command("charter", "check", str(draft))
    assert result.returncode == 1
    assert "not known" in result.stderr


def test_edits_of_an_older_charter_are_not_put_in_force(loop: Loop, tmp_path: Path) -> None:
    folder, file = loop.workspace.path, tmp_path / "orders.toml"
    asked = ("charter", "apply", str(file), "--reason", "a drill", "--from", "1", "--as-of", "2018-02-01")
    file.write_text(CHARTER.replace("margin = 0.01", "margin = 0.02"))
    assert "charter v2 of orders is in force, instead of v1" in run(*asked, workspace=folder)
    file.write_text(CHARTER.replace("margin = 0.01", "margin = 0.03"))
    before = loop.ledger.length()
    with pytest.raises(RefusedError, match=r"v2 of orders is in force.*edits were made from v1"):
        run(*asked, workspace=folder)
    assert loop.ledger.length() == before


def test_ingest_twice_and_quarantine(loop: Loop, tmp_path: Path) -> None:
    folder, file = loop.workspace.path, tmp_path / "p.csv"
    file.write_text("prediction_id,predicted_at,price\na,2018-01-01T00:00:00Z,1\nb,2018-01-01T00:00:00Z,-5\n")
    arguments = ["ingest", "orders", "predictions", str(file), "--as-of", "2018-02-01"]
    first = json.loads(run(*arguments, "--json", workspace=folder))
    assert (first["received"], first["accepted"], first["quarantined"]) == (2, 1, 1)
    assert "in the lake already" in run(*arguments, workspace=folder)
    rows = json.loads(run("quarantine", "list", "orders", "--json", workspace=folder))
    assert rows[0]["rules"] == ["price.min"]
    assert "price = -5" in run("quarantine", "list", "orders", workspace=folder)
    name = rows[0]["quarantine_id"]
    with pytest.raises(RefusedError, match="--set 5"):
        run("quarantine", "fix", "orders", name, "--set", "price=5", "--set", "5", workspace=folder)
    run("quarantine", "fix", "orders", name, "--set", "price=5", workspace=folder)
    assert "1 accepted" in run("quarantine", "replay", "orders", name, workspace=folder)
    assert "quarantine is empty" in run("quarantine", "list", "orders", workspace=folder)
    found = json.loads(run("sql", "orders", "select count(*) as n from predictions", "--json", workspace=folder))
    assert found == [{"n": 2}]


def test_a_dismissal_needs_a_reason(loop: Loop, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("prediction_id,predicted_at,price\nb,2018-01-01T00:00:00Z,-5\n")
    folder = loop.workspace.path
    run("ingest", "orders", "predictions", str(file), "--as-of", "2018-02-01", workspace=folder)
    name = json.loads(run("quarantine", "list", "orders", "--json", workspace=folder))[0]["quarantine_id"]
    with pytest.raises(RefusedError, match="reason"):
        run("quarantine", "dismiss", "orders", name, "--reason", " ", workspace=folder)
    assert "1 row(s) dismissed" in run(
        "quarantine", "dismiss", "orders", name, "--reason", "a test order", workspace=folder
    )


def test_sql_only_reads(loop: Loop) -> None:
    result = loop_command("sql", "orders", "delete from lake.orders.predictions", workspace=loop.workspace.path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_reading_commands_speak_json(loop: Loop) -> None:
    folder = loop.workspace.path
    for arguments in (
        ["status"], ["drift", "orders"], ["performance", "orders"], ["health", "orders"], ["models", "orders"],
        ["ledger", "show"], ["ledger", "verify"], ["doctor"], ["jobs", "list"], ["quarantine", "list", "orders"], ["feedback", "orders"],
    ):  # fmt: skip
        json.loads(run(*arguments, "--json", workspace=folder))


def test_the_way_of_a_release(duel: Loop) -> None:
    folder, end = duel.workspace.path, f"{START + timedelta(days=261):%Y-%m-%d}"
    card = json.loads(run("compare", "orders", "good", "--as-of", end, "--json", workspace=folder))
    assert card["challenger"] == "good"
    run("propose", "orders", "good", "--reason", "better", "--as-of", end, "--actor", "ana", workspace=folder)
    refused = loop_command("approve", "orders", "p1", "--as-of", end, "--actor", "ana", workspace=folder)
    assert refused.returncode == 1
    assert "ana proposed p1" in refused.stderr
    assert "1 of 1 approvals" in run("approve", "orders", "p1", "--as-of", end, "--actor", "bo", workspace=folder)
    stale = loop_command("promote", "orders", "p1", "--from", "bad", "--as-of", end, workspace=folder)
    assert "old serves orders, not bad" in stale.stderr
    promoted = run("promote", "orders", "p1", "--from", "old", "--as-of", end, "--actor", "ana", workspace=folder)
    assert "good is the champion" in promoted
    assert "instead of old" in promoted
    unasked = loop_command("rollback", "orders", "--reason", "a drill", "--as-of", end, workspace=folder)
    assert "orders goes back from good to old, and nobody is here to agree" in unasked.stderr
    assert "orders --from good --to old" in unasked.stderr
    back = ("rollback", "orders", "--from", "good", "--reason", "a drill", "--as-of", end)
    assert "old serves again" in run(*back, workspace=folder)
    twice = loop_command(*back, workspace=folder)
    assert "old serves orders, not good" in twice.stderr
    assert "as they were written" in run("ledger", "verify", workspace=folder)
    assert "broken" not in run("doctor", workspace=folder)


def test_an_external_model_is_registered_with_what_it_saw(loop: Loop) -> None:
    folder = loop.workspace.path
    mistyped = loop_command("register", "orders", "vendor-1", workspace=folder)
    assert mistyped.returncode == 1
    assert "no score of 'vendor-1'" in mistyped.stderr
    one = "select 'p1' as prediction_id, timestamptz '2018-02-01' as predicted_at, 0.5 as score, 'vendor-1' as model_version"
    sql = f"insert into {loop.table('predictions')} by name {one}"
    loop.lake.write(lambda tx: tx.execute(sql), actor="ana", message="test")
    assert "vendor-1 is registered" in run(
        "register", "orders", "vendor-1", "--train-end", "2018-01-01", workspace=folder
    )
    found = json.loads(run("models", "orders", "--json", workspace=folder))
    assert (found[0]["kind"], found[0]["train_end"]) == ("external", "2018-01-01T00:00:00+00:00")


def test_maintain_says_what_it_did(loop: Loop) -> None:
    report = json.loads(run("maintain", "--keep-days", "0", "--json", workspace=loop.workspace.path))
    assert report["snapshots_expired"] >= 1


def test_hints_name_the_workspace_that_the_command_named(
    tmp_path: Path, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    shutil.copytree(templates / "loop", folder)
    assert f"loop bootstrap -w '{folder}' orders --until DATE" in run("status", workspace=folder)
    refused = loop_command("propose", "orders", "v9", "--reason", "x", workspace=folder)
    assert f"To do: loop compare -w '{folder}' orders v9." in refused.stderr
    monkeypatch.setenv("LOOPBENCH_WORKSPACE", str(folder))
    assert "loop bootstrap orders --until DATE" in run("status")
    monkeypatch.delenv("LOOPBENCH_WORKSPACE")
    monkeypatch.chdir(folder)
    assert "loop bootstrap orders --until DATE" in run("status")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("loop quarantine fix|replay|dismiss orders ID", "loop quarantine fix|replay|dismiss -w W orders ID"),
        ("or `loop rollback` to another", "or `loop rollback -w W` to another"),
        ("loop charter check FILE", "loop charter check FILE"),
        ("loop init FOLDER, the loop orders, a loop runs", "loop init FOLDER, the loop orders, a loop runs"),
    ],
)
def test_a_workspace_stands_behind_the_commands_that_take_one(said: str, meant: str) -> None:
    token = TYPED.set(Path("W"))
    try:
        assert pasteable(said) == meant
    finally:
        TYPED.reset(token)


def test_a_missing_file_is_said_before_the_workspace_is_opened(tmp_path: Path) -> None:
    for arguments in (["ingest", "orders", "predictions", "x.csv"], ["import", "olist", "nowhere"]):
        with pytest.raises(SourceError, match="There is no"):
            run(*arguments, workspace=tmp_path / "no workspace")


def test_a_wrong_value_is_called_so_once(loop: Loop) -> None:
    result = loop_command("ingest", "orders", "prediction", "x.csv", workspace=loop.workspace.path)
    assert result.returncode == 2
    assert "Invalid value for 'SIGNAL': 'prediction' is not one of" in result.stderr


def test_sql_errors_say_what_there_is(loop: Loop) -> None:
    folder = loop.workspace.path
    with pytest.raises(QueryError, match=r'To do: name one of .*"price"'):
        run("sql", "orders", "select pric from predictions", workspace=folder)
    with pytest.raises(QueryError, match=r"no view 'nothing'; a query reads from .*labels, outcomes, predictions"):
        run("sql", "orders", "select * from nothing", workspace=folder)


def test_a_cut_ledger_says_how_much_is_left_out(loop: Loop) -> None:
    folder = loop.workspace.path
    for day in range(3):
        loop.ledger.append(kind="note", loop="orders", subject=f"{day}", actor="ana", as_of=START)
    assert "3 earlier entries are not shown; --limit 0" in run("ledger", "show", "--limit", "1", workspace=folder)
    assert "earlier entries" not in run("ledger", "show", "--limit", "0", workspace=folder)
    assert len(json.loads(run("ledger", "show", "--json", "--limit", "0", workspace=folder))) == 4


def test_a_log_of_the_past_on_the_wall_clock_says_where_it_ends(loop: Loop, tmp_path: Path) -> None:
    charter = CHARTER.replace('clock = "data"', 'clock = "wall"')
    loop.workspace.set_charter(charter, actor="ana", reason="live", as_of=START)
    folder, file = loop.workspace.path, tmp_path / "p.csv"
    file.write_text("prediction_id,predicted_at,price\na,2018-01-01T00:00:00Z,1\n")
    run("ingest", "orders", "predictions", str(file), "--as-of", "2018-02-01", workspace=folder)
    for command in (["status"], ["drift", "orders"], ["performance", "orders"]):
        assert "The newest prediction of orders is of 2018-01-01" in run(*command, workspace=folder)
        assert "--as-of 2018-01-02" in run(*command, workspace=folder)
        assert "newest prediction of orders" not in run(*command, "--as-of", "2018-01-02", workspace=folder)


def test_work_without_a_terminal_says_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY", 0.0)
    with progress.progress_bar("replay") as report:
        report(0.5, "half")
    with progress.progress_bar("replay", quiet=True) as report:
        report(0.5, "never said")
    assert capsys.readouterr().err == "replay:  50%  half\n"


def test_jobs_are_queued_stopped_and_listed(loop: Loop) -> None:
    folder = loop.workspace.path
    assert "Job 1 is queued" in run("jobs", "start", "orders", "cycle", workspace=folder)
    for wrong, said in (("trials=abc", "a whole number"), ("bogus=1", "one of: as_of"), ("trials", "name=value")):
        refused = loop_command("jobs", "start", "orders", "retrain", "--set", wrong, workspace=folder)
        assert (refused.returncode, said in refused.stderr) == (1, True)
    for option in ("--trials", "--seconds"):
        refused = loop_command("retrain", "orders", option, "0", workspace=folder)
        assert (refused.returncode, "at least 1 trial" in refused.stderr) == (1, True)
    run("jobs", "stop", "1", workspace=folder)
    assert json.loads(run("jobs", "list", "--json", workspace=folder))[0]["status"] == "stopped"
    run("jobs", "retry", "1", workspace=folder)
    assert json.loads(run("jobs", "list", "--json", workspace=folder))[0]["status"] == "queued"


@pytest.mark.parametrize("every", ["7", "0d", "week", "-7d"])
def test_a_step_needs_a_unit(loop: Loop, every: str) -> None:
    arguments = ["replay", "orders", "--from", "2018-01-01", "--to", "2018-02-01", f"--every={every}"]
    with pytest.raises(RefusedError, match="7d or 12h"):
        run(*arguments, workspace=loop.workspace.path)


def test_a_charter_file_with_many_errors_lists_each(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(CHARTER.replace("60", "-1").replace('"category"', '"kategory"'))
    result = loop_command("charter", "check", str(file))
    assert result.returncode == 1
    assert result.stderr.count("c.toml:") == 2
