"""Steps of work that the fault tests kill: run as `python -m tests.faults.steps WORKSPACE STEP ARGUMENTS`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from loop_core.gates import ingest
from loop_core.release import promote
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import START

AS_OF = START + timedelta(days=400)


def ingest_file(workspace: Workspace, file: str) -> None:
    ingest(workspace.loop("orders"), Signal.PREDICTIONS, read_source(file), actor="ana", as_of=AS_OF)


def promote_proposal(workspace: Workspace, proposal: str) -> None:
    promote(workspace.loop("orders"), proposal, actor="ana", as_of=AS_OF)


STEPS: dict[str, Callable[[Workspace, str], None]] = {"ingest": ingest_file, "promote": promote_proposal}


def main() -> None:
    path, step, argument = sys.argv[1:]
    with Workspace.open(Path(path)) as workspace:
        workspace.lake.rows("select $warm", {"warm": 1})  # the first bound value imports pandas, which is not the work
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        STEPS[step](workspace, argument)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
