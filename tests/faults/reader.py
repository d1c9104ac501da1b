"""A notebook's reads, again and again: `python -m tests.faults.reader WORKSPACE SECONDS`. Prints how many it made."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from loop_core.feedback import feedback_trend
from loop_core.labels import known_at
from loop_core.monitor import drift_scores
from loop_core.workspace import Workspace
from tests.faults.steps import AS_OF


def main() -> None:
    path, seconds = sys.argv[1:]
    with Workspace.open(Path(path)) as workspace:
        until, reads, seen = time.monotonic() + float(seconds), 0, 0
        while time.monotonic() < until:
            loop = workspace.loop("orders")
            n = known_at(loop, AS_OF).rows("select count(*) from rows")[0][0]
            assert n >= seen, f"{n} rows after {seen}"
            seen = n
            drift_scores(loop, AS_OF, weeks=2)
            feedback_trend(loop, AS_OF)
            reads += 3
    sys.stdout.write(f"{reads}\n")


if __name__ == "__main__":
    main()
