"""Options that commands share, and what they stand for: the workspace, the moment, the actor."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.clock import instant, now
from loop_core.errors import RefusedError, StorageError
from loop_core.people import require_name

if TYPE_CHECKING:
    from loop_core.workspace import Loop, Workspace

#: The workspace as the command line names it; None: the environment or the current folder does, for the next one too.
TYPED: ContextVar[Path | None] = ContextVar("TYPED", default=None)


def _remember(context: typer.Context, folder: Path | None) -> Path | None:
    source = context.get_parameter_source("workspace")
    TYPED.set(folder if source is not None and source.name == "COMMANDLINE" else None)
    return folder


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        envvar="LOOPBENCH_WORKSPACE",
        callback=_remember,
        help="The workspace folder; default: the folder you are in.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="The loop as it was known then, e.g. 2018-08-27; default: its present.")
]
ActorOption = Annotated[
    str | None, typer.Option("--actor", envvar="LOOPBENCH_ACTOR", help="Who does this, for the ledger; default: you.")
]
GroupOption = Annotated[str | None, typer.Option("--cohort", help="One cohort and its value, e.g. state=BA.")]
LoopArgument = Annotated[str, typer.Argument(help="Name of the loop.")]


def actor_or_me(actor: str | None) -> str:
    """The given identity, or the operating system's user. RefusedError where there is neither."""
    if actor is not None:
        return require_name(actor)
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise RefusedError("This user of the machine has no name", todo="say who you are with --actor") from None


@contextmanager
def opened(folder: Path | None) -> Iterator[Workspace]:
    """The workspace a command works on."""
    from loop_core.workspace import Workspace

    path = folder or Path.cwd()
    if folder is None and not (path / "workspace.toml").exists():
        raise StorageError(
            f"{path} is no workspace", "a workspace", "add --workspace FOLDER, or set LOOPBENCH_WORKSPACE"
        )
    with Workspace.open(path) as workspace:
        yield workspace


def moment(loop: Loop, as_of: str | None) -> datetime:
    """The given instant, or the loop's present."""
    return instant(as_of) if as_of else loop.present(now())


def one_group(text: str | None) -> tuple[str, str] | None:
    """`state=BA` → ("state", "BA"). Raises RefusedError."""
    if text is None:
        return None
    name, separator, value = text.partition("=")
    if not separator:
        raise RefusedError(f"Cohort {text!r}", "a cohort and its value, e.g. state=BA", "add the value")
    return name, value


def named_values(pairs: list[str] | None, example: str) -> dict[str, str]:
    """`--set name=value`, repeated → value by name.

    Raises:
        RefusedError: one of them has no `=` or no name.
    """
    found: dict[str, str] = {}
    for pair in pairs or []:
        name, given, value = pair.partition("=")
        if not given or not name.strip():
            raise RefusedError(f"--set {pair}", f"name=value, e.g. {example}", "write it so")
        found[name.strip()] = value
    return found
