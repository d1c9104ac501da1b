"""The `loop` command: every verb of the product, from the shell. Reading commands take `--json`."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import textwrap
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from loop_core.characters import one_line, visible
from loop_core.cli import (
    alerts,
    cohorts,
    cycling,
    gates,
    late,
    look,
    monitor,
    record,
    releasing,
    report,
    serve,
    setup,
    signals,
    training,
    triggers,
    weighing,
)
from loop_core.cli.console import complain
from loop_core.errors import LoopbenchError, RefusedError
from loop_core.interpreter import search_path
from loop_core.passwords import without_passwords

#: What a program that Ctrl+C ended returns.
STOPPED = 130


class _Commands(TyperGroup):
    """Usage errors in one voice: the library that reads the values puts its own words before ours."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Before that library says a word of its own.
            complain("Stopped. What was committed before stays.")
            raise typer.Exit(STOPPED) from None
        except TyperException as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = visible(without_passwords(message.replace("Value error, ", "")))
            raise


app = typer.Typer(
    cls=_Commands,
    name="loop",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (
    setup,
    signals,
    gates,
    look,
    late,
    monitor,
    report,
    training,
    triggers,
    cycling,
    alerts,
    releasing,
    weighing,
    cohorts,
    record,
    serve,
):
    module.add_to(app)


class _Interrupt:
    """Ctrl+C. Libraries make errors of their own of it, so that it came is noted."""

    def __init__(self) -> None:
        self.came = False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._note)

    def _note(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt


def main() -> None:
    """Entry of the console script: errors made for people are shown as such, all others go to a file."""
    # What commands import later comes from where this program is installed.
    sys.path[:] = search_path()
    for stream in (sys.stdout, sys.stderr):
        # What a terminal has no sign for is written out, instead of ending the command in the middle of a sentence.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    interrupt = _Interrupt()
    try:
        _refuse_no_text(sys.argv[1:])
        app()
    except BaseException as error:
        said = isinstance(error, SystemExit) and error.code == STOPPED
        if not said and (interrupt.came or isinstance(error, KeyboardInterrupt)):
            complain("Stopped. What was committed before stays.")
            sys.exit(STOPPED)
        _end(error)


def _refuse_no_text(words: list[str]) -> None:
    """RefusedError: a word is not UTF-8. Neither databases nor records can hold it, and a name is kept in both."""
    for word in words:
        if any("\ud800" <= sign <= "\udfff" for sign in word):
            raise RefusedError(
                f"{word!r} is not UTF-8", todo="rename the file or folder, or link to it by another name"
            )


def _end(error: BaseException) -> NoReturn:
    """End the program after an error."""
    if isinstance(error, SystemExit | GeneratorExit):
        raise error
    if isinstance(error, BrokenPipeError):
        sys.exit(0)
    if isinstance(error, LoopbenchError):
        complain(str(error))
        sys.exit(1)
    if isinstance(error, OSError) and error.filename and error.errno == errno.ENAMETOOLONG:
        complain(f"No file can have so long a name: {os.fsdecode(error.filename)[:200]}…")
        sys.exit(1)
    # Of libraries written in Rust, a panic is no Exception.
    complain(f"Something unforeseen went wrong ({error}). What was committed before it stays; {_logged(error)}.")
    sys.exit(70)


def _logged(error: BaseException) -> str:
    """Where the details of an error are."""
    log = Path.home() / ".loopbench-errors.log"
    details = textwrap.indent(without_passwords("".join(traceback.format_exception(error))), "  ")
    # What begins at the left edge is one entry's first line, and no value makes one.
    head = one_line(without_passwords(f"--- {datetime.now(UTC).isoformat()} {' '.join(sys.argv)}"))
    try:
        with log.open("a", encoding="utf-8") as file:
            log.chmod(0o600)
            file.write(f"{head}\n{visible(details)}\n")
    except OSError:
        return f"details could not be written to {log}"
    return f"details are in {log}"
