"""`loop bootstrap | register | retrain | models`: how models come to be known."""

from __future__ import annotations

from typing import Annotated

import typer

from loop_core.cli.console import say, say_document, show
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.cli.progress import progress_bar
from loop_core.clock import instant
from loop_core.errors import RefusedError
from loop_core.vocabulary import MARKS, State

SeedOption = Annotated[int, typer.Option(help="The same seed gives the same models.")]


def add_to(app: typer.Typer) -> None:
    for command in (bootstrap, register, retrain, models, card, reproduce, spend, worth):
        app.command(command.__name__)(command)


@on_loop(ACTOR)
def bootstrap(
    here: Here,
    until: Annotated[str | None, typer.Option(help="Train on predictions made before this date.")] = None,
    external: Annotated[str | None, typer.Option(help="Name of a model of which only logged scores exist.")] = None,
    seed: SeedOption = 0,
) -> None:
    """A champion to start with: trained on the oldest span, or external."""
    from loop_core.replay import first_champion

    if (until is None) == (external is None):
        raise RefusedError(
            "Both or neither of --until and --external", "one of them", "say --until DATE, or --external NAME"
        )
    when = instant(until) if until else None
    with progress_bar("bootstrap") as progress:
        version = first_champion(
            here.loop, until=when, external=external, actor=here.actor, seed=seed, progress=progress
        )
    say(f"{version} is the champion of {here.name}.")


@on_loop(AS_OF, ACTOR)
def register(
    here: Here,
    version: Annotated[str, typer.Argument(help="Its name in the log of scores.")],
    train_end: Annotated[str | None, typer.Option(help="It was trained on nothing from this date on.")] = None,
) -> None:
    """Make a model of which only logged scores exist known, so that it can be compared."""
    from loop_core.models import register_logged

    end = instant(train_end) if train_end else None
    register_logged(here.loop, version, actor=here.actor, as_of=here.as_of, train_end=end)
    say(f"{version} is registered. Next: loop compare {here.name} {version}")


@on_loop(AS_OF, ACTOR)
def retrain(
    here: Here,
    trials: Annotated[int | None, typer.Option(help="At most so many; default: the charter's.")] = None,
    seconds: Annotated[float | None, typer.Option(help="At most so long; default: the charter's.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a challenger on what was known at --as-of."""
    from loop_core.retrain import Budget
    from loop_core.retrain import retrain as train

    with progress_bar("retrain", quiet=as_json) as progress:
        plan = here.loop.charter.retrain
        budget = Budget(plan.trials if trials is None else trials, plan.seconds if seconds is None else seconds)
        result = train(here.loop, as_of=here.as_of, actor=here.actor, seed=seed, budget=budget, progress=progress)
    if as_json:
        show(result, True)
        return
    span = f"{result.train_start:%Y-%m-%d} to {result.train_end:%Y-%m-%d}"
    mark = "" if result.state is State.OK else f"{MARKS[result.state]} · "
    say(f"{mark}{result.sentence} {result.n_rows:,} rows of {span} in {result.n_folds} folds.")
    for line in [*(check.sentence for check in result.checks if check.state is State.WATCH), *result.notes]:
        say(f"! {line}")
    say(f"Next: loop card {here.name} {result.version}, then loop compare {here.name} {result.version}")


@on_loop(AS_OF)
def models(here: Here, as_json: JsonOption = False) -> None:
    """Every registered model of a loop, oldest first."""
    from loop_core.models import registered

    columns = {
        "version": "version",
        "kind": "kind",
        "registered_at": "since",
        "actor": "by",
        "parent": "parent",
        "n_rows": "rows",
    }
    show(registered(here.loop, here.as_of), as_json, columns, empty="No model yet. Next: loop bootstrap")


@on_loop(AS_OF)
def card(
    here: Here, version: Annotated[str, typer.Argument(help="A registered model.")], as_json: JsonOption = False
) -> None:
    """The model's card: purpose, data, quality with intervals, calibration, limits, checks. Markdown."""
    from loop_core.compare import model_card

    found = model_card(here.loop, here.as_of, version)
    if as_json:
        show(found.to_rows(), as_json=True)
    else:
        say_document(found.to_markdown())


@on_loop()
def reproduce(
    here: Here,
    version: Annotated[str, typer.Argument(help="A model that was trained here.")],
    as_json: JsonOption = False,
) -> None:
    """Train a model again from its snapshot, charter, parameters and seed: does it come out byte for byte?"""
    from loop_core.retrain import reproduce as again

    found = again(here.loop, version)
    if as_json:
        show([found], as_json=True)
    else:
        say(found.sentence)
    if not found.same:
        raise typer.Exit(1)


@on_loop(AS_OF)
def spend(
    here: Here,
    since: Annotated[str | None, typer.Option(help="From this date; default: this month.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What retrains took, of what they were granted."""
    from loop_core.retrain import spending

    found = spending(here.loop, here.as_of, since=instant(since) if since else None)
    columns = {"as_of": "for", "seconds": "seconds", "granted": "granted", "trials": "trials", "version": "model"}
    show(found, as_json, columns, "No retrain in this time.")
    most = here.loop.charter.retrain.month_seconds
    if not as_json and found:
        said = f"{sum(one.seconds for one in found):,.0f} s in all"
        say(said + (f"; {most:,.0f} s are granted a month." if most else "; the charter sets no limit for a month."))


@on_loop(AS_OF, ACTOR)
def worth(here: Here, seed: SeedOption = 0, as_json: JsonOption = False) -> None:
    """Is a retrain worth it: expected gain, chance to pass, cost; on record, and how good earlier forecasts were."""
    from loop_core.compare import forecast, forecast_outcomes

    found = forecast(here.loop, here.as_of, seed=seed, actor=here.actor)
    outcomes = forecast_outcomes(here.loop, here.as_of)
    if as_json:
        show([found], as_json=True)
        return
    say(f"{found.sentence} It takes about {found.seconds:,.0f} s.")
    if outcomes:
        inside = sum(one.inside for one in outcomes)
        say(f"Of {len(outcomes)} earlier forecasts {inside} held: what was found lay within their interval.")
