"""Make two reports in a process of its own that may open no connection and write nothing outside the workspace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


def main(folder: str, as_of: str) -> None:
    done: list[str] = []
    sys.addaudithook(_recorder(done.append))

    from loop_core.monitor.report import evidently_report
    from loop_core.workspace import Workspace

    end = datetime.fromisoformat(as_of)
    window = (end - timedelta(days=7), end)
    steps: list[float] = []
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        evidently_report(
            loop, end + timedelta(days=15), window=window, progress=lambda share, text: steps.append(share)
        )
        evidently_report(loop, end + timedelta(days=15), window=window, cohort="state", cohort_value="BA")
    sys.stdout.write(json.dumps({"done": done, "steps": steps, "do_not_track": os.environ.get("DO_NOT_TRACK")}))


def _recorder(tell: Callable[[str], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "subprocess.Popen"):
            tell(f"{event} {arguments[1:]}")
        elif event == "os.mkdir" or (event == "open" and _writes(*arguments)):
            tell(f"write {Path(os.fsdecode(arguments[0])).absolute()}")

    return hook


def _writes(path: object, _: object, flags: int | None) -> bool:
    return isinstance(path, str | bytes) and bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


if __name__ == "__main__":
    main(*sys.argv[1:])
