"""`loop run | replay`: the loop, once or over its past."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.cli.progress import progress_bar
from loop_core.cli.releasing import headline
from loop_core.cli.training import SeedOption
from loop_core.clock import instant
from loop_core.errors import RefusedError
from loop_core.vocabulary import MARKS

if TYPE_CHECKING:
    from loop_core.cycle import CycleReport

TrainOption = Annotated[bool, typer.Option(help="Train where a trigger fires.")]


def add_to(app: typer.Typer) -> None:
    for command in (run, replay):
        app.command(command.__name__)(command)


@on_loop(AS_OF, ACTOR)
def run(here: Here, train: TrainOption = True, seed: SeedOption = 0, as_json: JsonOption = False) -> None:
    """One cycle: monitor, decide, retrain if due, compare, release if the charter lets it."""
    from loop_core.cycle import run_cycle

    here.refuse_when_quiet()
    with progress_bar("run", quiet=as_json) as progress:
        report = run_cycle(here.loop, here.as_of, actor=here.actor, seed=seed, train=train, progress=progress)
    if as_json:
        show(report, True)
        return
    for finding in report.findings:
        say(f"{MARKS[finding.state]:<18} {finding.sentence}")
    say(f"Retrain: {'yes – ' + ', '.join(report.decision.fired) if report.decision.retrain else 'no'}")
    if report.decision.remedy:
        say(f"! At once: {report.decision.remedy.sentence} {report.decision.remedy.command}".rstrip())
    for note in report.notes:
        say(f"! {note}")
    if report.scorecard:
        say(headline(report.scorecard))


@on_loop(ACTOR)
def replay(
    here: Here,
    start: Annotated[str, typer.Option("--from", help="First day, e.g. 2017-07-01.")],
    end: Annotated[str, typer.Option("--to", help="Last instant.")],
    every: Annotated[str, typer.Option(help="Step, e.g. 7d.")] = "7d",
    train: TrainOption = True,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Run the loop over its past, with nothing known that was not known then."""
    from loop_core.replay import ReplayPlan
    from loop_core.replay import replay as run_replay

    plan = ReplayPlan(instant(start), instant(end), step(every), seed, train)
    with progress_bar("replay", quiet=as_json) as progress:
        report = run_replay(here.loop, plan, actor=here.actor, progress=progress)
    if as_json:
        show(report, True)
        return
    retrains = [cycle for cycle in report.cycles if cycle.challenger]
    say(f"{len(report.cycles)} cycles, {report.served:,} predictions answered, {len(retrains)} retrains.")
    for cycle in retrains:
        say(f"  {cycle.as_of:%Y-%m-%d}  {cycle.challenger}  {_outcome(cycle)}")
    for cycle in report.cycles:
        if cycle.rolled_back_to:
            say(f"  {cycle.as_of:%Y-%m-%d}  Rolled back to {cycle.rolled_back_to}.")
    if again := len(plan.steps()) - len(report.cycles):
        say(f"{again} cycles had run before and were left as they are.")
    say("Next: loop status")


def _outcome(cycle: CycleReport) -> str:
    """What became of the challenger that a cycle trained."""
    if cycle.scorecard is None:
        return f"Not compared. {' '.join(cycle.notes)}"
    return f"{'Promoted. ' if cycle.promoted else ''}{headline(cycle.scorecard)}"


def step(text: str) -> timedelta:
    """ "7d", "12h" → a timedelta. RefusedError otherwise."""
    found = re.fullmatch(r"(\d+)([dh])", text.strip())
    if not found or int(found[1]) == 0:
        raise RefusedError(f"Step {text!r}", "a number of days or hours, e.g. 7d or 12h", "correct --every")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
