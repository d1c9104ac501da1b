"""What every command shares: options, the actor, tables, progress bars, errors."""

from __future__ import annotations

import getpass
import inspect
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loop_core.clock import instant, now
from loop_core.errors import StorageError
from loop_core.frames import to_json

if TYPE_CHECKING:
    from loop_core.workspace import Loop, Workspace

#: The workspace as the command line names it; None: the environment or the current folder does, for the next one too.
_TYPED: ContextVar[Path | None] = ContextVar("_TYPED", default=None)


def _remember(context: typer.Context, folder: Path | None) -> Path | None:
    source = context.get_parameter_source("workspace")
    _TYPED.set(folder if source is not None and source.name == "COMMANDLINE" else None)
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
LoopArgument = Annotated[str, typer.Argument(help="Name of the loop.")]


def actor_or_me(actor: str | None) -> str:
    """The given identity, or the operating system's user."""
    return actor or getpass.getuser()


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


def show(results: Any, as_json: bool, columns: Mapping[str, str] | None = None, empty: str = "Nothing yet.") -> None:
    """Print results as a table, or as JSON. `columns`: field → heading, in order; None: every field."""
    if as_json:
        typer.echo(json.dumps(to_json(results), ensure_ascii=False, indent=1))
        return
    rows = [to_json(result) for result in results]
    if not rows:
        say(empty)
        return
    _table(rows, columns or {name: name for name in rows[0]})


def say(sentence: str) -> None:
    """One line on standard output; commands in it can be pasted."""
    typer.echo(pasteable(sentence))
    sys.stdout.flush()


def pasteable(sentence: str) -> str:
    """The sentence with the workspace in each `loop …` command that needs to be told, because this one was.

    An option may stand right behind a command's name, so nothing need be known of where the command ends.
    """
    folder = _TYPED.get()
    if folder is None:
        return sentence
    return _commands().sub(lambda found: f"{found[0]} -w {shlex.quote(str(folder))}", sentence)


@cache
def _commands() -> re.Pattern[str]:
    """Finds the commands that take a workspace: `loop status`, `loop quarantine fix`, `loop quarantine fix|replay`."""
    from loop_core.cli import app

    single = "|".join(_taking_a_workspace(app))
    grouped = [
        rf"{group.name} (?:{names})(?:\|(?:{names}))*"
        for group in app.registered_groups
        if group.typer_instance and (names := "|".join(_taking_a_workspace(group.typer_instance)))
    ]
    return re.compile(rf"\bloop (?:{'|'.join(grouped)}|(?:{single}))(?![\w|])(?! -w| .*--workspace)")


def _taking_a_workspace(commands: typer.Typer) -> list[str]:
    return [
        command.name
        for command in commands.registered_commands
        if command.name and command.callback and "workspace" in inspect.signature(command.callback).parameters
    ]


def complain(sentence: str) -> None:
    """An error on standard error."""
    typer.echo(typer.style("✗ ", fg="red") + pasteable(sentence), err=True)


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """A progress callback: a bar on standard error when that is a terminal, else a line there every few seconds."""
    if quiet:
        yield lambda share, sentence: None
        return
    if not sys.stderr.isatty():
        yield _progress_lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share, sentence: bar.update(task, completed=share, description=sentence[:60])


#: Wider than any row, so that nothing is wrapped.
_WHOLE_LINES = 100_000
#: Work shorter than this, in seconds, says nothing on its way where there is no terminal.
_LINE_EVERY = 5.0


def _progress_lines(title: str) -> Callable[[float, str], None]:
    last = time.monotonic()

    def line(share: float, sentence: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_EVERY:
            last = time.monotonic()
            typer.echo(f"{title}: {share:4.0%}  {sentence}", err=True)

    return line


def _table(rows: Iterable[dict[str, Any]], columns: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns.values(), box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    # A pipe or a file gets whole lines; only a terminal is worth fitting to.
    width = None if sys.stdout.isatty() else _WHOLE_LINES
    Console(width=width, highlight=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    text = str(value)
    # Midnights read as dates.
    return text[:10] if text.endswith("T00:00:00+00:00") else text.replace("T", " ")[:19] if _is_instant(text) else text


def _is_instant(text: str) -> bool:
    return len(text) >= 25 and text[4] == "-" and text[10] == "T" and text.endswith("+00:00")
