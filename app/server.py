"""One process that serves the pages, with the worker beside it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from app.loopback import LOOPBACK, LoopbackOnly
from app.worker import kept_running, worker_command
from loop_core.errors import RefusedError, StorageError
from loop_core.workspace import Workspace

#: Which workspace the pages show.
WORKSPACE_VARIABLE = "LOOPBENCH_WORKSPACE"


def serve(
    workspace: Path | str,
    host: str = "127.0.0.1",
    port: int = 8501,
    *,
    worker: bool = True,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a workspace until interrupted.

    Args:
        workspace: its folder.
        host: an address of this machine only.
        port: 0 takes any free one.
        worker: also run the jobs of the workspace, in a child process that ends with this one.
        ready: told the address once it answers.

    Raises:
        RefusedError: the host is not a loopback address, or the port is taken.
        StorageError: there is no workspace, or the port may not be used.
    """
    folder = Path(workspace).absolute()
    # Opened and closed: a workspace that cannot be opened is said now, in the shell, not later on a page.
    Workspace.open(folder).close()
    listener = _listen(host, port)
    os.environ[WORKSPACE_VARIABLE] = str(folder)
    address = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    _run(_application(folder, worker, lambda: ready(address) if ready else None), listener)


def _application(folder: Path, worker: bool, started: Callable[[], None]) -> Any:
    # Imported here: with Streamlit in tow this takes a second that refusing a port should not cost.
    import streamlit as st
    from starlette.middleware import Middleware

    from app.faults import on_script_error

    return st.App(
        Path(__file__).parent / "main.py",
        lifespan=_lifespan(folder, worker, started),
        middleware=[Middleware(LoopbackOnly)],
        on_script_error=on_script_error,
    )


def _lifespan(
    folder: Path, worker: bool, started: Callable[[], None]
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        started()
        # Who may only read has no jobs to run.
        if not worker or not os.access(folder, os.W_OK):
            yield
            return
        async with kept_running(worker_command(folder)):
            yield

    return lifespan


def _run(application: Any, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=2,
        lifespan="on",
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    if host not in LOOPBACK:
        raise RefusedError(
            f"Loopbench does not listen on {host!r}, because nobody is asked for a password yet: who reaches the page may release models",
            f"one of: {', '.join(sorted(LOOPBACK))}",
            "leave --host out; from another machine use a tunnel: ssh -L 8501:127.0.0.1:8501 THIS_MACHINE",
        )
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _no_port(host, port, error) from None
    return listener


def _no_port(host: str, port: int, error: OSError | OverflowError) -> RefusedError | StorageError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return RefusedError(
            f"Port {port} on {host} is taken, perhaps by another `loop ui`",
            "a free port",
            f"loop ui --port {port + 1}, or stop the other program",
        )
    return StorageError(
        f"Port {port} on {host} cannot be used ({error})", "a port between 1024 and 65535", "loop ui --port 8501"
    )


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
