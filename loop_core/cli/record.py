"""`loop ledger … | doctor | maintain`: the record, and the health of the storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from loop_core.cli.console import complain, say, show
from loop_core.cli.options import ActorOption, JsonOption, WorkspaceOption, actor_or_me, opened
from loop_core.cli.pasting import pasteable

ledger_app = typer.Typer(help="The append-only record of every decision.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(ledger_app, name="ledger")
    app.command("doctor")(doctor)
    app.command("maintain")(maintain)


@ledger_app.command("show")
def show_(
    loop: Annotated[str | None, typer.Option(help="Only this loop.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind, e.g. release.promoted, or release. for all of them.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only entries about this.")] = None,
    by: Annotated[str | None, typer.Option(help="Only this actor's.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0: all of them.")] = 15,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Entries, oldest first."""
    with opened(workspace) as ws:
        found = ws.ledger.entries(loop=loop, kind=kind, subject=subject, actor=by)
    entries = found[-limit:]  # of 0: all of them
    show(
        entries,
        as_json,
        {
            "seq": "#",
            "as_of": "as of",
            "loop": "loop",
            "kind": "what",
            "subject": "about",
            "actor": "by",
            "reason": "reason",
        },
    )
    if not as_json and (earlier := len(found) - len(entries)):
        say(f"{earlier:,} earlier entries are not shown; --limit 0 shows them.")


@ledger_app.command("verify")
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(
            help="Anchors kept elsewhere, beside those of the workspace: a line of `loop ledger anchor`, or a file of them."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is what is on record unaltered, and is nothing missing at its end? Two answers."""
    from loop_core.ledger import given_anchors

    with opened(workspace) as ws:
        given = given_anchors(anchor) if anchor is not None else []
        report = ws.ledger.verify(given)
    if as_json:
        show(report, True)
    else:
        for title, answer in (("Integrity", report.integrity), ("Completeness", report.completeness)):
            (complain if answer.state == "broken" else say)(f"{title}: {answer.sentence}")
        if report.completeness.state == "broken":
            say('If you put an older ledger back yourself: `loop ledger restored --reason "…"` says so on record.')
        if given and report.completeness.state == "whole":
            say(f"The anchors that were given agree, up to entry {max(one.seq for one in given):,}.")
        say(f"Head: {report.head}")
    if not report.is_whole:
        raise typer.Exit(1)


@ledger_app.command("anchor")
def anchor_(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print the ledger's present end in one line, to be kept outside this machine: `loop ledger verify --anchor` asks for it."""
    with opened(workspace) as ws:
        anchor = ws.ledger.anchor()
    if as_json:
        show(anchor, True)
    else:
        say(anchor.text)


@ledger_app.command("restored")
def restored(
    reason: Annotated[str, typer.Option(help="Why an older ledger was put back; the ledger keeps it.")],
    workspace: WorkspaceOption = None,
    actor: ActorOption = None,
) -> None:
    """Say that you put an older ledger back: on record, and what is missing at its end is no alarm any more."""
    who = actor_or_me(actor)
    with opened(workspace) as ws:
        entry, kept = ws.ledger.note_restored(actor=who, reason=reason)
    say(f"Entry {entry.seq:,} says so. The anchors of what is lost are kept in {kept}: keep that file.")


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every file to its end: finds a single byte that changed.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check integrity, orphans, the chain and versions. Changes nothing."""
    from loop_core.clock import now
    from loop_core.doctor import examine

    with opened(workspace) as ws:
        checks = examine(ws, wall=now(), deep=deep)
    if not as_json:
        checks = [replace(check, todo=pasteable(check.todo)) for check in checks]
    show(checks, as_json, {"state": "state", "check": "check", "sentence": "found", "todo": "to do"})
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def maintain(
    keep_days: Annotated[float, typer.Option(help="Snapshots younger than this are kept.")] = 30.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Flush inlined rows, merge small files, expire old snapshots that no model is pinned to, remove what nothing needs."""
    from loop_core.clock import now
    from loop_core.doctor import maintain as tidy

    with opened(workspace) as ws:
        report = tidy(ws, keep_days=keep_days, wall=now())
    show(report if as_json else [report], as_json)
