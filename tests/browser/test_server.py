"""The server itself: where it listens, whom it answers, what it says when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.browser.conftest import free_port, serve, wait_for

pytestmark = pytest.mark.browser


def answer(port: int, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_taken_port_is_named_with_the_remedy(workspace_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = serve(workspace_folder, port)
        said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert f"Port {port}" in said
    assert f"--port {port + 1}" in said.replace("\n", " ")


def test_another_address_is_refused_with_the_reason(workspace_folder: Path) -> None:
    process = serve(workspace_folder, free_port(), "--host", "0.0.0.0")
    said = " ".join(process.communicate(timeout=60)[1].decode().split())
    assert process.returncode == 1
    assert "nobody is asked for a password" in said


def test_no_workspace_is_said_in_the_shell(tmp_path: Path) -> None:
    process = serve(tmp_path, free_port())
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert "no workspace" in said


def test_foreign_hosts_and_origins_are_refused(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    assert answer(port) == 200
    assert answer(port, Host=f"localhost:{port}") == 200
    assert answer(port, Host="evil.example") == 403
    assert answer(port, Origin="https://evil.example") == 403
    assert answer(port, Origin=f"http://127.0.0.1:{port}") == 200
    assert answer(port, Origin=f"http://127.0.0.1:{port + 1}") == 403
    for malformed in ("[", "127.0.0.1:99999", "127.0.0.1:x"):
        assert answer(port, Host=malformed) == 403
        assert answer(port, Origin=f"http://{malformed}") == 403


def test_a_websocket_is_opened_by_the_apps_own_pages_only(address: str) -> None:
    url = f"ws{address.removeprefix('http')}/_stcore/stream"
    with connect(url, origin=Origin(address), subprotocols=[Subprotocol("streamlit")]) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101
    for foreign in ("https://evil.example", f"http://127.0.0.1:{free_port()}", "null", "http://["):
        with pytest.raises(InvalidStatus) as refused, connect(url, origin=Origin(foreign)):
            pass
        assert refused.value.response.status_code == 403


def test_the_worker_lives_and_ends_with_the_app(workspace_folder: Path) -> None:
    port = free_port()
    with serve(workspace_folder, port) as process:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        first = worker_of(process.pid)
        os.kill(first.pid, signal.SIGKILL)
        second = worker_of(process.pid, but=first.pid)
        process.terminate()
        assert process.wait(30) in (0, -signal.SIGTERM)
    assert not second.is_running()


def worker_of(parent: int, but: int = 0) -> psutil.Process:
    for _ in range(200):
        for child in psutil.Process(parent).children():
            if child.pid != but and "worker" in child.cmdline():
                return child
        time.sleep(0.1)
    raise AssertionError("no worker beside the app")
