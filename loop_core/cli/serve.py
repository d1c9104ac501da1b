"""`loop ui | worker | jobs …`: what keeps running."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.options import ActorOption, JsonOption, WorkspaceOption, actor_or_me, named_values, opened

jobs_app = typer.Typer(help="Long work: what runs, what waits, stop it.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.command("ui")(ui)
    app.command("worker")(worker)
    app.add_typer(jobs_app, name="jobs")


def ui(
    workspace: WorkspaceOption = None,
    host: Annotated[str, typer.Option(help="Loopback only for now: the app has no log-in yet.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the app.")] = 8501,
    worker: Annotated[bool, typer.Option(help="Start a worker beside the app.")] = True,
) -> None:
    """Serve the workspace to the browser."""
    from loop_core.resources import resource_folder

    root = resource_folder("app").parent
    sys.path.insert(0, str(root))
    from app.server import serve

    serve(
        workspace or Path.cwd(),
        host,
        port,
        worker=worker,
        ready=lambda address: say(f"Loopbench answers at {address} – Ctrl+C stops it."),
    )


def worker(
    workspace: WorkspaceOption = None,
    once: Annotated[bool, typer.Option(help="Stop when the queue is empty.")] = False,
    beside: Annotated[int | None, typer.Option(help="Stop when this process, which started it, is gone.")] = None,
) -> None:
    """Work on queued jobs until stopped."""
    from loop_core.jobs import Worker

    with opened(workspace) as ws:
        working = Worker(ws, owner=f"{actor_or_me(None)}:{os.getpid()}")
        signal.signal(signal.SIGTERM, lambda *_: working.shut_down())
        if beside is not None:
            threading.Thread(target=_outlive_nobody, args=(beside, working.shut_down), daemon=True).start()
        working.run(once=once)


def _outlive_nobody(parent: int, stop: Callable[[], None]) -> None:
    """Stop once the parent is gone, also when it was killed and could not say so."""
    while os.getppid() == parent:
        time.sleep(1)
    stop()


@jobs_app.command("list")
def list_(
    loop: Annotated[str | None, typer.Option()] = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Jobs, newest first."""
    from loop_core.jobs import list_jobs

    with opened(workspace) as ws:
        jobs = list_jobs(ws, loop=loop)
    columns = {
        "id": "id",
        "loop": "loop",
        "kind": "kind",
        "status": "status",
        "progress": "done",
        "message": "message",
        "error": "why",
        "actor": "by",
    }
    show(jobs, as_json, columns, empty="No jobs.")


@jobs_app.command("start")
def start(
    loop: Annotated[str, typer.Argument()],
    kind: Annotated[
        str,
        typer.Argument(
            help="retrain, forecast, compare, rivals, tradeoff, selftest, bootstrap, cycle, replay, policies, evidently."
        ),
    ],
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value; repeat for more.")] = None,
    workspace: WorkspaceOption = None,
    actor: ActorOption = None,
) -> None:
    """Queue a job for the worker."""
    from loop_core.jobs import enqueue

    params = named_values(set_, "trials=20")
    with opened(workspace) as ws:
        job = enqueue(ws, ws.loop(loop).name, kind, params, actor=actor_or_me(actor))
    say(f"Job {job} is queued.")


@jobs_app.command("retry")
def retry(job: Annotated[int, typer.Argument()], workspace: WorkspaceOption = None, actor: ActorOption = None) -> None:
    """Queue a failed or stopped job again; what it had finished counts."""
    from loop_core.jobs import retry as retry_job

    with opened(workspace) as ws:
        retry_job(ws, job, actor=actor_or_me(actor))
    say(f"Job {job} is queued again.")


@jobs_app.command("stop")
def stop(job: Annotated[int, typer.Argument()], workspace: WorkspaceOption = None, actor: ActorOption = None) -> None:
    """Ask a job to stop; what it finished is kept."""
    from loop_core.jobs import stop as stop_job

    with opened(workspace) as ws:
        stop_job(ws, job, actor=actor_or_me(actor))
    say(f"Job {job} is asked to stop.")
