"""Ctrl+C ends every command in one sentence, whatever a library makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loop_core.workspace import Workspace

WAYS = {
    "in Python": "os.kill(os.getpid(), signal.SIGINT); signal.pause()",
    "in a query": """
connection = duckdb.connect()
def once(x):
    if x == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return x
connection.create_function("once", once, ["BIGINT"], "BIGINT")
connection.execute("select sum(once(range)) from range(300000)").fetchall()
""",
    "as an error of ours": """
try:
    os.kill(os.getpid(), signal.SIGINT); signal.pause()
except KeyboardInterrupt:
    raise StorageError("The lake refused this: INTERRUPT Error") from None
""",
    "as a panic": """
class Panic(BaseException): pass
try:
    os.kill(os.getpid(), signal.SIGINT); signal.pause()
except KeyboardInterrupt:
    raise Panic from None
""",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_one_sentence_and_130(way: str, tmp_path: Path) -> None:
    body = "\n".join(f"    {line}" for line in way.strip().splitlines())
    code = f"""
import os, signal, duckdb
import loop_core.cli as cli
from loop_core.errors import StorageError
def status() -> None:
{body}
cli.app.registered_commands = [c for c in cli.app.registered_commands if c.name != "status"]
cli.app.command("status")(status)
cli.main()
"""
    command = [sys.executable, "-c", code, "status"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)})
    assert (done.returncode, done.stderr.strip().splitlines()) == (130, ["✗ Stopped. What was committed before stays."])
    assert list(tmp_path.iterdir()) == []


def test_the_app_and_its_worker(workspace: Workspace) -> None:
    program = "from loop_core.cli import main; main()"
    command = [sys.executable, "-P", "-c", program, "ui", "--port", "0", "--workspace", str(workspace.path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        assert "answers at" in server.stdout.readline()
        os.killpg(server.pid, signal.SIGINT)
        _, said = server.communicate()
    assert (server.returncode, said.strip()) == (130, "✗ Stopped. What was committed before stays.")
