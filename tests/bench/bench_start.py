"""How long a person waits before anything happens."""

from __future__ import annotations

import tempfile
import time
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
    """From the command to the first page's words in Chromium, which runs already, as a person's browser does."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import free_port, serve, wait_for
    from tests.chromium import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page()
        port, began = free_port(), time.perf_counter()
        with serve(workspace, port, "--no-worker") as process:
            try:
                wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
                page.goto(f"http://127.0.0.1:{port}")
                page.get_by_text("No loop").first.wait_for(timeout=60_000)
                return time.perf_counter() - began
            finally:
                process.terminate()
