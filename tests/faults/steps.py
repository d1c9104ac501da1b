"""Steps of work that the fault tests kill. Run as a program it waits for orders and forks one process for each.

Forking from a process that has imported everything makes a step start in a fraction of a second, so that a campaign
of kills spends its time at the work and not at imports. An order is one JSON line `[workspace, step, argument]`; the
answers are `ready PID` when the work begins, `done` when it was acknowledged, `ended` when the process is gone.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from loop_core.alerts import tend
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


def round_of_messages(workspace: Workspace, moment: str) -> None:
    """What the worker does every few seconds."""
    tend(workspace, now=datetime.fromisoformat(moment))


STEPS: dict[str, Callable[[Workspace, str], None]] = {
    "ingest": ingest_file,
    "promote": promote_proposal,
    "deliver": round_of_messages,
}


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def work(path: str, step: str, argument: str) -> None:
    with Workspace.open(Path(path)) as workspace:
        workspace.lake.rows("select $warm", {"warm": 1})
        say(f"ready {os.getpid()}")
        STEPS[step](workspace, argument)
        say("done")


def main() -> None:
    import apprise  # noqa: F401 - imported for the children
    import dataframely  # noqa: F401 - imported for the children
    import pandas  # noqa: F401 - imported for the children

    for order in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(*json.loads(order))
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
