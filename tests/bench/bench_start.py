"""How long a person waits before anything happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from loop_core.workspace import Workspace
from tests.bench.measure import Measurement, command_seconds


def measurements() -> Iterator[Measurement]:
    yield Measurement("import loop_core", command_seconds("-c", "import loop_core"), "s", 0.5)
    yield Measurement(
        "loop --help", command_seconds("-c", "from loop_core.cli import main; main()", "--help"), "s", 0.5
    )
    with tempfile.TemporaryDirectory() as folder:
        Workspace.create(Path(folder) / "w").close()
        yield Measurement("loop ui: cold start to first page in the browser", first_page(Path(folder) / "w"), "s", 6)


def first_page(workspace: Path) -> float:
    """From the command to the first page drawn in Chromium (started before, as a person's browser is)."""
    from playwright.sync_api import sync_playwright
    from tests.browser.chromium import launch

    with sync_playwright() as playwright:
        page = launch(playwright).new_page()
        began = time.perf_counter()
        with served(workspace) as address:
            page.goto(address)
            page.get_by_test_id("stMain").get_by_role("heading").first.wait_for()
            return time.perf_counter() - began


class served:  # noqa: N801 - reads as a verb where it is used
    """`loop ui` on a free port, as a context: its address."""

    def __init__(self, workspace: Path, *arguments: str) -> None:
        code = "from loop_core.cli import main; main()"
        port = free_port()
        command = [sys.executable, "-c", code, "ui", "--workspace", str(workspace), "--port", str(port), *arguments]
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"})

    def __enter__(self) -> str:
        for _ in range(600):
            try:
                if re.search("html", urllib.request.urlopen(self.address, timeout=1).read().decode()[:200]):
                    return self.address
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(self.address)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
