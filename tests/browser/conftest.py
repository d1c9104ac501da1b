"""A served workspace and a real Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.once import once
from tests.pages.conftest import build

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def workspace_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated workspace that the walk changes."""
    return once(tmp_path_factory, "full", build)


@pytest.fixture(scope="session")
def address(workspace_folder: Path) -> Iterator[str]:
    """`loop ui` on a free port, with its worker."""
    with serving(workspace_folder) as served:
        yield served


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The app on a free port, with its worker → its address."""
    port = free_port()
    with serve(folder, port) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own session, at the size of a shared screen; it fails on any request that leaves the machine."""
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    left: list[str] = []
    opened.on("request", lambda request: left.append(request.url) if leaves(request.url) else None)
    yield opened
    opened.close()
    assert left == []


def leaves(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def serve(folder: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from loop_core.cli import main; main()", "ui"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, "--workspace", str(folder), "--port", str(port), *more],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1].decode()
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer in {seconds} s")
