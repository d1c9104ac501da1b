"""`loop init | demo | import | simulate | charter …`: how a workspace comes to hold loops."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import complain, say, show
from loop_core.cli.options import ActorOption, AsOfOption, JsonOption, WorkspaceOption, actor_or_me, moment, opened
from loop_core.cli.progress import progress_bar
from loop_core.clock import instant, now
from loop_core.errors import CharterError, RefusedError

if TYPE_CHECKING:
    from loop_core.ledger import Entry
    from loop_core.workspace import Workspace

charter_app = typer.Typer(
    help="The charter of a loop: check a file, put it in force, see its versions.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("import")(import_)
    app.command("simulate")(simulate)
    app.command("demo")(demo)
    app.add_typer(charter_app, name="charter")


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    from_file: Annotated[Path | None, typer.Option("--from", help="Draft a charter from this data file.")] = None,
    name: Annotated[str, typer.Option(help="Name of the drafted loop.")] = "my_loop",
    catalog: Annotated[
        str | None, typer.Option(help="postgresql://user@host/db for a team; default: SQLite files.")
    ] = None,
) -> None:
    """Make a workspace; with --from also draft a charter for you to edit."""
    from loop_core.workspace import Workspace

    if not (folder / "workspace.toml").exists() or from_file is None:
        Workspace.create(folder, catalog=catalog).close()
        say(f"Workspace made at {folder}.")
    if from_file is None:
        say(f"Next: loop import deliveries -w {folder}   (or another recipe; data/README.md shows how to write one)")
        return
    from loop_core.signals.draft import draft_charter

    target = folder / "loops" / f"{name}.toml"
    if target.exists():
        raise RefusedError(f"{target} exists already", "a new name", "choose another with --name")
    target.write_text(draft_charter(from_file, name=name), encoding="utf-8")
    say(
        f'Draft written to {target}. Next: edit it, then `loop charter apply {target} -w {folder} --reason "first version"`'
    )


def import_(
    recipe: Annotated[str, typer.Argument(help="A built-in recipe (olist, deliveries) or a recipe's folder.")],
    source: Annotated[
        Path | None, typer.Argument(help="Folder with the publisher's files; none for deliveries.")
    ] = None,
    workspace: WorkspaceOption = None,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a real data set, or the simulator's, into a loop: charter, predictions, outcomes, feedback."""
    from loop_core.recipes import check_source, import_recipe
    from loop_core.replay import replayable

    # Before the workspace is opened: a mistyped folder is said at once.
    check_source(recipe, source)
    with opened(workspace) as ws, progress_bar(f"import {recipe}", quiet=as_json) as progress:
        report = import_recipe(ws, recipe, source, actor=actor_or_me(actor), as_of=now(), progress=progress)
        span = replayable(ws.loop(report.loop), now())
    show(report.batches if not as_json else report, as_json, _BATCH_COLUMNS)
    if as_json:
        return
    dates = f"--from {span[0]:%Y-%m-%d} --to {span[1]:%Y-%m-%d}" if span else "--from DATE --to DATE"
    say(f"Loop {report.loop} is ready. Next: loop replay {report.loop} {dates} --every 7d")


_BATCH_COLUMNS = {
    "signal": "signal",
    "received": "received",
    "accepted": "accepted",
    "quarantined": "quarantined",
    "unchanged": "unchanged",
    "conflicting": "conflicting",
    "state": "state",
    "source": "source",
}


def simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario: deliveries.")],
    folder: Annotated[Path, typer.Argument(help="Where the files and truth.json go.")],
    rows: Annotated[int, typer.Option(help="Predictions, about.")] = 150_000,
    seed: int = 0,
) -> None:
    """Write a simulated marketplace's signals as Parquet files, with the truth about what was injected."""
    from loop_core.recipes import Simulation, simulate_recipe

    with progress_bar(f"simulate {scenario}") as progress:
        report = simulate_recipe(scenario, folder, Simulation(rows, seed), progress=progress)
    say(
        f"{report.predictions:,} predictions, {report.outcomes:,} outcomes, {report.feedback:,} feedback items in {folder}; what was injected is in truth.json."
    )


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo workspace goes.")] = Path("demo-workspace"),
    headless: Annotated[bool, typer.Option("--headless", help="Build and print a summary; do not serve.")] = False,
    port: Annotated[int, typer.Option(help="Port of the app.")] = 8501,
    rows: Annotated[int, typer.Option(help="Predictions in the demo, about.")] = 150_000,
) -> None:
    """Build a working loop on simulated orders, then open it in the browser."""
    from loop_core.cli.serve import ui
    from loop_core.demo import build_demo

    with progress_bar("demo") as progress:
        summary = build_demo(folder, rows=rows, seed=0, actor=actor_or_me(None), progress=progress)
    for line in summary:
        say(line)
    if not headless:
        ui(workspace=folder, port=port)


@charter_app.command("check")
def check(file: Annotated[Path, typer.Argument(help="A charter file.")], as_json: JsonOption = False) -> None:
    """Read a charter and name every problem with its line."""
    from loop_core.lake import charter_problems, compile_charter_file

    problems = charter_problems(file)
    remarks = () if problems else compile_charter_file(file).remarks
    if as_json:
        show({"file": str(file), "problems": problems, "remarks": list(remarks)}, True)
    else:
        for problem in problems:
            complain(problem)
        say(f"{file} is valid." if not problems else f"{len(problems)} problem(s) in {file}.")
        for remark in remarks:
            say(f"! {remark}")
        if marks := _marks(file):
            say(
                f"! {len(marks)} lines are still marked EDIT, guesses to confirm or correct: {', '.join(map(str, marks))}."
            )
    if problems:
        raise typer.Exit(1)


def _marks(file: Path) -> list[int]:
    """Lines of a draft, counted from 1, with a comment that asks for an edit."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [number for number, line in enumerate(lines, 1) if "# EDIT" in line]


@charter_app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="The edited charter.")],
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")],
    edited: Annotated[
        int | None,
        typer.Option("--from", help="The version that was edited, e.g. 3; refused when another is in force."),
    ] = None,
    workspace: WorkspaceOption = None,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Put a charter in force as the next version."""
    from loop_core.charter.parse import read_charter_file
    from loop_core.lake import compile_charter

    # Read once: what was checked is what is put in force, and a pipe is empty the second time.
    text, who = read_charter_file(file), actor_or_me(actor)
    charter = compile_charter(text, str(file))
    with opened(workspace) as ws:
        when = instant(as_of) if as_of else _present(ws, charter.name)
        seen, versions = ws.ledger.length(), ws.ledger.entries(loop=charter.name, kind="charter.changed")
        _check_version(charter.name, edited, versions)
        loop = ws.set_charter(text, actor=who, reason=reason, as_of=when, seen=seen)
        newest = loop.entries("charter.changed")[-1]
        instead = f", instead of v{len(versions)}" if versions and newest.seq > versions[-1].seq else ""
        say(f"{newest.subject} of {loop.name} is in force{instead}.")


def _check_version(name: str, edited: int | None, versions: list[Entry]) -> None:
    """RefusedError where another charter is in force than the one that was edited."""
    if edited is not None and edited != len(versions):
        by = f", by {versions[-1].actor}: {versions[-1].reason}" if versions else ""
        raise RefusedError(
            f"v{len(versions)} of {name} is in force{by}; the edits were made from v{edited}",
            todo=f"see `loop charter log {name}`, bring the edits into that version, then apply it with --from {len(versions)}",
        )


def _present(ws: Workspace, name: str) -> datetime:
    """The loop's present. A loop that is new, or whose charter in force does not work, has none yet: now."""
    try:
        return moment(ws.loop(name), None) if name in ws.loops() else now()
    except CharterError:
        return now()


@charter_app.command("reference")
def reference(as_json: JsonOption = False) -> None:
    """What each type of column accepts and stores, and every key of a charter with its limits, default and meaning."""
    from loop_core.charter.reference import charter_keys
    from loop_core.signals.cells import ACCEPTS

    if as_json:
        show({"types": ACCEPTS, "keys": charter_keys()}, as_json)
        return
    show(ACCEPTS, as_json)
    for table, keys in groupby(charter_keys(), key=lambda key: key.table):
        say("", table)
        for key in keys:
            say(f"  {key.key}: {key.takes}; {key.default}. {key.means}")


@charter_app.command("log")
def log(loop: str, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The versions of a loop's charter, oldest first."""
    with opened(workspace) as ws:
        entries = ws.loop(loop).entries("charter.changed")
    show(entries, as_json, {"subject": "version", "at": "at", "actor": "by", "reason": "reason"})
