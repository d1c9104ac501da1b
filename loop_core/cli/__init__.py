"""The `loop` command: every verb of the product, from the shell. Reading commands take `--json`."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

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
from loop_core.errors import LoopbenchError
from loop_core.interpreter import search_path


class _Commands(TyperGroup):
    """Usage errors in one voice: the library that reads the values puts its own words before ours."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.replace("Value error, ", "")
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


def main() -> None:
    """Entry of the console script: errors made for people are shown as such, all others go to a file."""
    # What commands import later comes from where this program is installed.
    sys.path[:] = search_path()
    try:
        app()
    except LoopbenchError as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        complain("Stopped. What was committed before stays.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except (SystemExit, GeneratorExit):
        raise
    except BaseException:
        # Of libraries written in Rust, a panic is no Exception.
        log = Path.home() / ".loopbench-errors.log"
        try:
            with log.open("a") as file:
                file.write(f"--- {datetime.now(UTC).isoformat()} {' '.join(sys.argv)}\n{traceback.format_exc()}\n")
            where = f"details are in {log}"
        except OSError:
            where = f"details could not be written to {log}"
        complain(f"Something unforeseen went wrong ({sys.exc_info()[1]}). Nothing half-written is kept; {where}.")
        sys.exit(70)
