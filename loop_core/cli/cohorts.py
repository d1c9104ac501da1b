"""`loop cohorts list | declare`: the groups a model must not get worse in, and a found slice made one of them."""

from __future__ import annotations

from typing import Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.errors import NotReadyError

cohorts_app = typer.Typer(help="The groups a model must not get worse in.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(cohorts_app, name="cohorts")


@cohorts_app.command("list")
@on_loop()
def list_cohorts(here: Here, as_json: JsonOption = False) -> None:
    """The declared cohorts, as they are computed."""
    columns = {"name": "name", "expression": "expression", "min_rows": "rows, at least", "protected": "protected"}
    cohorts = [cohort.model_dump() for cohort in here.loop.charter.cohorts]
    for cohort in cohorts:
        cohort["expression"] = cohort["expression"] or cohort["name"]
    show(cohorts, as_json, columns, empty="The charter declares no cohort.")


@cohorts_app.command("declare")
@on_loop(AS_OF, ACTOR)
def declare(
    here: Here,
    name: Annotated[str, typer.Argument(help="Name of the new cohort: small letters, digits, underscores.")],
    reason: Annotated[str, typer.Option(help="Why it is watched from now on; the ledger keeps it.")],
    slice_id: Annotated[str, typer.Option("--slice", help="Which slice of the comparison, e.g. s1.")] = "s1",
    scorecard: Annotated[str | None, typer.Option(help="Id of the stored comparison; default: the newest.")] = None,
) -> None:
    """Make a confirmed slice a declared cohort: the next comparison gates it."""
    from loop_core.compare import declare_slice

    card = scorecard or _newest(here)
    after = declare_slice(
        here.loop, card, slice_id, name=name, reason=reason, actor=here.actor, as_of=here.as_of
    )  # fmt: skip
    version = after.entries("charter.changed")[-1].subject
    say(f"{version} of {after.name} is in force: {name} is a cohort. Next: loop compare {after.name} CHALLENGER")


def _newest(here: Here) -> str:
    made = here.loop.entries("comparison.made", here.as_of)
    if not made:
        raise NotReadyError(
            f"{here.name} has no comparison yet",
            "one that confirmed a slice",
            f"loop compare {here.name} CHALLENGER",
        )
    return str(made[-1].payload["scorecard"])
