"""`loop ingest | quarantine …`: signals into the lake, and what the gates held back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption, named_values
from loop_core.cli.progress import progress_bar
from loop_core.clock import now
from loop_core.errors import RefusedError, following
from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    from loop_core.gates.quarantine import QuarantinedRow
    from loop_core.signals import Source

quarantine_app = typer.Typer(help="Rows the gates held back: list, fix, replay, dismiss.", no_args_is_help=True)


#: What makes up for profiles that could not be brought up to date.
PROFILES_LATER = "profiles follow with the next cycle, or `loop maintain`"
Ids = Annotated[list[str], typer.Argument(help="Ids from `loop quarantine list`.")]


def add_to(app: typer.Typer) -> None:
    app.command("ingest")(ingest)
    app.command("batches")(batches)
    app.command("retract")(retract)
    app.command("name-scores")(name_scores)
    app.add_typer(quarantine_app, name="quarantine")


@on_loop(AS_OF, ACTOR)
def ingest(
    here: Here,
    what: Annotated[
        Delivery, typer.Argument(metavar="SIGNAL", help="predictions, outcomes, feedback, or another model's scores.")
    ],
    source: Annotated[str, typer.Argument(help="A csv, parquet or jsonl file, or sqlite:///file, postgresql://….")],
    sql: Annotated[str | None, typer.Option(help="The query, for a database source.")] = None,
    model_version: Annotated[str | None, typer.Option(help="Of scores: the model that gave them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a batch of signals through the gates into the lake. The same batch twice changes nothing."""
    from loop_core.gates import arrival
    from loop_core.gates import ingest as ingest_batch
    from loop_core.monitor.profiles import refresh_profiles
    from loop_core.signals import read_source

    if (what is Delivery.SCORES) != (model_version is not None):
        raise RefusedError(
            "--model-version says which model gave a file of scores",
            todo=f"add --model-version NAME, or ingest them as scores: loop ingest {here.name} scores {source}",
        )
    # Before the workspace is opened: a mistyped file is said at once.
    batch = read_source(source, sql)
    if model_version is not None:
        _scores(here, batch, model_version, as_json)
        return
    signal = Signal(what.value)
    with progress_bar(f"ingest {source}", quiet=as_json) as progress:
        as_of = here.as_of if here.dated else arrival(here.loop, signal, batch, now())
        report = ingest_batch(here.loop, signal, batch, actor=here.actor, as_of=as_of, progress=progress)
        with following(report.sentence, PROFILES_LATER):
            refresh_profiles(here.loop, actor=here.actor)
    if as_json:
        show(report, True)
        return
    say(report.sentence)
    show(report.rules, False, empty="Every row passed every rule.")
    for note in report.notes:
        say(f"! {note}")
    if report.quarantined:
        say(f"Next: loop quarantine list {here.name}")
    if report.state == "stopped":
        say(f"Next: loop quarantine list {here.name} --batch {report.batch_id[:12]}   (its rows)")
        raise typer.Exit(1)


def _scores(here: Here, source: Source, version: str, as_json: bool) -> None:
    from loop_core.gates import ingest_scores

    report = ingest_scores(here.loop, source, version, actor=here.actor, as_of=here.as_of)
    if as_json:
        show(report, True)
        return
    say(report.sentence)
    for note in report.notes:
        say(f"! {note}")
    say(f"Next: loop register {here.name} {version}")


@on_loop(AS_OF, ACTOR)
def name_scores(
    here: Here,
    version: Annotated[str, typer.Argument(help="The model that gave the scores.")],
    reason: Annotated[str, typer.Option(help="How it is known; goes on record.")],
    batch: Annotated[str | None, typer.Option(help="Only scores of this batch, see `loop batches`.")] = None,
) -> None:
    """Say which model gave the scores that came in without a version."""
    from loop_core.monitor.profiles import refresh_profiles
    from loop_core.signals import name_scores as name

    n = name(here.loop, version, actor=here.actor, as_of=here.as_of, reason=reason, batch=batch)
    with following(f"{n:,} scores are {version}'s now", PROFILES_LATER):
        refresh_profiles(here.loop, actor=here.actor)
    say(f"{n:,} scores are {version}'s now. Next: loop register {here.name} {version}")


@on_loop(AS_OF)
def batches(here: Here, limit: int = 20, as_json: JsonOption = False) -> None:
    """Deliveries, newest first, with the ids by which `retract` knows them."""
    from loop_core.monitor.intake import batches as arrived

    found = arrived(here.loop, max(here.as_of, now()) if not here.dated else here.as_of, limit)
    if as_json:
        show(found, True)
        return
    brief = [
        {
            "batch": one.batch_id[:12],
            "arrived": one.arrived_at,
            "signal": one.kind,
            "source": one.source,
            "accepted": one.accepted,
            "quarantined": one.quarantined,
            "state": one.state,
            "reason": one.why,
        }
        for one in found
    ]
    show(brief, False, empty="Nothing came in yet.")


@on_loop(AS_OF, ACTOR)
def retract(
    here: Here,
    batch: Annotated[str, typer.Argument(help="Id from `loop batches`, or the first 6 characters or more of it.")],
    reason: Annotated[str, typer.Option(help="Why these rows should never have been accepted.")],
    as_json: JsonOption = False,
) -> None:
    """Take a batch of wrongly accepted rows out of the lake, on record. The same file can be ingested again."""
    from loop_core.gates import retract as take_out
    from loop_core.monitor.profiles import refresh_profiles

    done = take_out(here.loop, batch, actor=here.actor, as_of=here.as_of, reason=reason)
    with following(done.sentence, PROFILES_LATER):
        refresh_profiles(here.loop, actor=here.actor)
    show(done, True) if as_json else say(done.sentence)


@quarantine_app.command("list")
@on_loop()
def list_(
    here: Here,
    rule: str | None = None,
    batch: Annotated[
        str | None, typer.Option(help="Only rows of this batch, see `loop batches`; also of one that was stopped.")
    ] = None,
    limit: int = 15,
    as_json: JsonOption = False,
) -> None:
    """Rows in quarantine, newest first, with the rules they failed."""
    from loop_core.gates import quarantine

    rows = quarantine.list_rows(here.loop, rule=rule, batch=batch, limit=limit)
    if as_json:
        show(rows, True)
        return
    brief = [
        {
            "id": row.quarantine_id,
            "signal": row.signal,
            "rules": list(row.rules),
            "because": _offending(row),
            "state": row.state,
        }
        for row in rows
    ]
    show(brief, False, empty="The quarantine is empty.")
    if any(row.state in quarantine.OPEN for row in rows):
        say(f"Next: loop quarantine fix|replay|dismiss {here.name} ID   (--json shows whole rows)")


def _offending(row: QuarantinedRow) -> str:
    """The values that the broken rules are about; a rule is named `column.check`."""
    columns = dict.fromkeys(rule.partition(".")[0] for rule in row.rules)
    return ", ".join(f"{column} = {row.row[column]}" for column in columns if column in row.row)


@quarantine_app.command("fix")
@on_loop(ACTOR)
def fix(
    here: Here,
    row: Annotated[str, typer.Argument(help="Id from `loop quarantine list`.")],
    changes: Annotated[list[str], typer.Option("--set", help="column=value; repeat for more.")],
    reason: str = "",
) -> None:
    """Correct values of one row; `replay` then brings it through the gates."""
    from loop_core.gates import quarantine

    pairs = named_values(changes, "price=12.5")
    quarantine.fix(here.loop, row, pairs, reason=reason, actor=here.actor, as_of=here.as_of)
    say(f"{row} corrected: {', '.join(pairs)}. Next: loop quarantine replay {here.name} {row}")


@quarantine_app.command("replay")
@on_loop(ACTOR)
def replay(here: Here, rows: Ids, as_json: JsonOption = False) -> None:
    """Bring rows through the gates again, under the charter in force."""
    from loop_core.gates import replay as again

    reports = again.replay(here.loop, rows, actor=here.actor, as_of=here.as_of)
    if as_json:
        show(reports, True)
    for report in [] if as_json else reports:
        say(report.sentence)


@quarantine_app.command("dismiss")
@on_loop(ACTOR)
def dismiss(
    here: Here,
    rows: Ids,
    reason: Annotated[str, typer.Option(help="Why these rows may be left out.")],
) -> None:
    """Leave rows out for good, with a reason on record."""
    from loop_core.gates import quarantine

    n = quarantine.dismiss(here.loop, rows, reason=reason, actor=here.actor, as_of=here.as_of)
    say(f"{n} row(s) dismissed.")
