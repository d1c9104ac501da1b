"""How far a command is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from loop_core.characters import one_line

#: Work shorter than this, in seconds, says nothing on its way where there is no terminal.
_LINE_EVERY = 5.0


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
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn(), console=console
    ) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share, sentence: bar.update(task, completed=share, description=one_line(sentence)[:60])


def _progress_lines(title: str) -> Callable[[float, str], None]:
    last = time.monotonic()

    def line(share: float, sentence: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_EVERY:
            last = time.monotonic()
            typer.echo(f"{title}: {share:4.0%}  {one_line(sentence)}", err=True)

    return line
