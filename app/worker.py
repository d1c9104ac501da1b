"""The worker beside the app: a child process that is started again when it dies and ended with the app."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from loop_core.interpreter import python_command, python_environment

log = logging.getLogger("loopbench.app")

#: Seconds before a worker that died is started again, and given to one that is asked to end.
RESTART_SECONDS, END_SECONDS = 2.0, 10.0


def worker_command(workspace: Path) -> list[str]:
    """What runs the jobs of a workspace in a process of its own."""
    program = python_command("from loop_core.cli import main; main()")
    return [*program, "worker", "--workspace", str(workspace), "--beside", str(os.getpid())]


@asynccontextmanager
async def kept_running(command: Sequence[str]) -> AsyncIterator[None]:
    """Keep `command` running while the block is open."""
    keeper = asyncio.create_task(_keep(command))
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def _keep(command: Sequence[str]) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(
            # In a session of its own: Ctrl+C ends the app, and the app ends its worker.
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            env=python_environment(),
            start_new_session=True,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        # Ctrl+C may reach it before its session is its own; the app is ending too then, and has nothing to say of it.
        if code != -signal.SIGINT:
            log.warning("the worker ended with code %s; starting it again", code)
        await asyncio.sleep(RESTART_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
