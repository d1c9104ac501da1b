"""`loop triggers show | replay`: what asks for a retrain, and what another policy would have done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loop_core.cli.console import say, show
from loop_core.cli.cycling import step
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.cli.progress import progress_bar
from loop_core.cli.training import SeedOption
from loop_core.clock import instant
from loop_core.errors import NotReadyError, SourceError
from loop_core.texts import read_text

if TYPE_CHECKING:
    from loop_core.policies import Policy, PolicyReplay, PolicyRun, ReplayRequest
    from loop_core.triggers import Decision, TriggerReading

triggers_app = typer.Typer(
    help="When to retrain: the triggers, and other policies tried on the past.", no_args_is_help=True
)

_READING = {"mark": "", "kind": "trigger", "tier": "tier", "distance": "how far", "sentence": "why"}
_RUN = {
    "name": "policy", "retrains": "retrains", "value": "value", "difference": "against best", "ci_low": "95 % from",
    "ci_high": "to", "fit_seconds": "s of fits", "granted_seconds": "s granted",
}  # fmt: skip


def add_to(app: typer.Typer) -> None:
    app.add_typer(triggers_app, name="triggers")


@triggers_app.command("show")
@on_loop(AS_OF)
def show_triggers(here: Here, as_json: JsonOption = False) -> None:
    """What would fire now, by the newest findings on record, and how far the rest is."""
    from loop_core.triggers import decide_now

    decision = decide_now(here.loop, here.as_of)
    if as_json:
        show(decision, True)
        return
    show(
        [row for one in decision.evaluated for row in _reading(one)],
        False,
        _READING,
        empty="The charter has no trigger.",
    )
    _say_more(decision)


@triggers_app.command("replay")
@on_loop(AS_OF)
def replay(
    here: Here,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="A TOML file with [[triggers]]; repeatable. The policy in force is always there."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First day; default: as soon as there was enough.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last instant; default: --as-of.")] = None,
    every: Annotated[str, typer.Option(help="Time between evaluations, e.g. 7d.")] = "7d",
    trees: Annotated[int | None, typer.Option(help="Of each fit; default: those of a first model.")] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """When would a policy have retrained, at what cost, for what loss? Beside never, every week and fixed schedules."""
    from loop_core.policies import policy_in_force, replay_policies, save_replay

    tried = [_policy(path) for path in policy or []]
    request = _request(
        here, start, end, {"every": step(every), "seed": seed, **({} if trees is None else {"trees": trees})}
    )
    with progress_bar("replay", quiet=as_json) as progress:
        found = replay_policies(here.loop, [policy_in_force(here.loop), *tried], request, progress=progress)
    found = save_replay(here.loop, found)
    if as_json:
        show(found, True)
    else:
        _say_replay(found)


def _policy(path: Path) -> Policy:
    from loop_core.policies import parse_policy

    try:
        return parse_policy(path.stem, read_text(path))
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror})", "a TOML file with [[triggers]]", "check the path"
        ) from None


def _request(here: Here, start: str | None, end: str | None, more: dict[str, Any]) -> ReplayRequest:
    from loop_core.policies import ReplayRequest
    from loop_core.replay import replayable

    span = replayable(here.loop, here.as_of)
    if span is None and (start is None or end is None):
        raise NotReadyError(
            f"The predictions of {here.name} span less than a label horizon", "a longer past", "say --from and --to"
        )
    first, last = span or (here.as_of, here.as_of)
    until = instant(end) if end else min(last, here.as_of)
    return ReplayRequest(instant(start) if start else first, until, here.as_of, **more)


def _reading(reading: TriggerReading, depth: int = 0) -> list[dict[str, Any]]:
    from loop_core.frames import to_row

    mark = "▲ fires" if reading.fired else "● quiet" if reading.distance is not None else "○ cannot tell"
    row = {**to_row(reading), "mark": mark, "kind": "  " * depth + reading.kind}
    return [row, *(inner for part in reading.parts for inner in _reading(part, depth + 1))]


def _say_more(decision: Decision) -> None:
    if decision.asks:
        say(f"Asked: {', '.join(decision.asks)}.")
    if decision.spend:
        spend = decision.spend
        say(
            f"This month: {spend.retrains} retrains, {spend.seconds:,.0f} s of search granted; the next may take {spend.next_seconds:,.0f} s."
        )
    if decision.remedy:
        say(f"! At once: {decision.remedy.sentence}")
        if decision.remedy.command:
            say(f"  {decision.remedy.command}")


def _say_replay(found: PolicyReplay) -> None:
    from loop_core.frames import to_row

    def row(run: PolicyRun) -> dict[str, Any]:
        return {**to_row(run), "retrains": len(run.retrains)}

    show([row(run) for run in found.runs], False, _RUN)
    say(found.sentence)
    for run in found.tried:
        for one in run.retrains:
            say(f"  {run.name}  {one.as_of:%Y-%m-%d}  {', '.join(one.fired)}  on {one.n_rows:,} rows")
        for note in run.notes:
            say(f"! {run.name}  {note}")
    for note in found.notes:
        say(f"○ {note}")
    say(f"Kept as {found.id}.")
