"""`loop bootstrap | retrain | run | replay | compare | propose | approve | reject | promote | rollback`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import (
    ActorOption,
    AsOfOption,
    JsonOption,
    LoopArgument,
    WorkspaceOption,
    actor_or_me,
    moment,
    opened,
    progress_bar,
    say,
    show,
)
from loop_core.clock import instant
from loop_core.errors import RefusedError
from loop_core.vocabulary import MARKS

if TYPE_CHECKING:
    from loop_core.workspace import Loop

SeedOption = Annotated[int, typer.Option(help="The same seed gives the same models.")]
ProposalArgument = Annotated[str, typer.Argument(help="A proposal's id, e.g. p1.")]


def add_to(app: typer.Typer) -> None:
    for command in (
        bootstrap,
        register,
        retrain,
        run,
        replay,
        models,
        compare,
        propose,
        approve,
        reject,
        promote,
        rollback,
    ):
        app.command(command.__name__)(command)


def bootstrap(
    loop: LoopArgument,
    until: Annotated[str | None, typer.Option(help="Train on predictions made before this date.")] = None,
    external: Annotated[str | None, typer.Option(help="Name of a model of which only logged scores exist.")] = None,
    workspace: WorkspaceOption = None,
    actor: ActorOption = None,
    seed: SeedOption = 0,
) -> None:
    """A champion to start with: trained on the oldest span, or external."""
    from loop_core.replay import first_champion

    if (until is None) == (external is None):
        raise RefusedError(
            "Both or neither of --until and --external", "one of them", "say --until DATE, or --external NAME"
        )
    with opened(workspace) as ws, progress_bar("bootstrap") as progress:
        target = ws.loop(loop)
        when = instant(until) if until else None
        version = first_champion(
            target, until=when, external=external, actor=actor_or_me(actor), seed=seed, progress=progress
        )
    say(f"{version} is the champion of {loop}.")


def register(
    loop: LoopArgument,
    version: Annotated[str, typer.Argument(help="Its name in the log of scores.")],
    train_end: Annotated[str | None, typer.Option(help="It was trained on nothing from this date on.")] = None,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Make a model of which only logged scores exist known, so that it can be compared."""
    from loop_core.models import register_external

    with opened(workspace) as ws:
        target = ws.loop(loop)
        end = instant(train_end) if train_end else None
        register_external(target, version, actor=actor_or_me(actor), as_of=moment(target, as_of), train_end=end)
    say(f"{version} is registered. Next: loop compare {loop} {version}")


def retrain(
    loop: LoopArgument,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    trials: Annotated[int | None, typer.Option(help="At most so many; default: the charter's.")] = None,
    seconds: Annotated[float | None, typer.Option(help="At most so long; default: the charter's.")] = None,
    seed: SeedOption = 0,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a challenger on what was known at --as-of."""
    from loop_core.retrain import Budget
    from loop_core.retrain import retrain as train

    with opened(workspace) as ws, progress_bar("retrain", quiet=as_json) as progress:
        target = ws.loop(loop)
        plan = target.charter.retrain
        budget = Budget(trials or plan.trials, seconds or plan.seconds)
        result = train(
            target, as_of=moment(target, as_of), actor=actor_or_me(actor), seed=seed, budget=budget, progress=progress
        )
    show(result if as_json else [result], as_json)
    if not as_json:
        say(f"Next: loop compare {loop} {result.version}")


def run(
    loop: LoopArgument,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    train: Annotated[bool, typer.Option(help="Train where a trigger fires.")] = True,
    seed: SeedOption = 0,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """One cycle: monitor, decide, retrain if due, compare, release if the charter lets it."""
    from loop_core.cycle import run_cycle

    with opened(workspace) as ws, progress_bar("run", quiet=as_json) as progress:
        target = ws.loop(loop)
        report = run_cycle(
            target, moment(target, as_of), actor=actor_or_me(actor), seed=seed, train=train, progress=progress
        )
    if as_json:
        show(report, True)
        return
    for finding in report.findings:
        say(f"{MARKS[finding.state]:<18} {finding.sentence}")
    say(f"Retrain: {'yes – ' + ', '.join(report.decision.fired) if report.decision.retrain else 'no'}")
    for note in report.notes:
        say(f"! {note}")
    if report.scorecard:
        say(f"{report.scorecard.badge}: {report.scorecard.sentence}")


def replay(
    loop: LoopArgument,
    start: Annotated[str, typer.Option("--from", help="First day, e.g. 2017-07-01.")],
    end: Annotated[str, typer.Option("--to", help="Last instant.")],
    every: Annotated[str, typer.Option(help="Step, e.g. 7d.")] = "7d",
    train: Annotated[bool, typer.Option(help="Train where a trigger fires.")] = True,
    workspace: WorkspaceOption = None,
    seed: SeedOption = 0,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the loop over its past, with nothing known that was not known then."""
    from loop_core.replay import replay as run_replay

    with opened(workspace) as ws, progress_bar("replay", quiet=as_json) as progress:
        target = ws.loop(loop)
        report = run_replay(
            target,
            instant(start),
            instant(end),
            step(every),
            actor=actor_or_me(actor),
            seed=seed,
            train=train,
            progress=progress,
        )
    if as_json:
        show(report, True)
        return
    retrains = [c for c in report.cycles if c.challenger]
    say(f"{len(report.cycles)} cycles, {report.served:,} predictions answered, {len(retrains)} retrains.")
    for cycle in retrains:
        outcome = (
            f"promoted {cycle.promoted}"
            if cycle.promoted
            else cycle.scorecard.badge
            if cycle.scorecard
            else "not compared"
        )
        say(
            f"  {cycle.as_of:%Y-%m-%d}  {cycle.challenger}  {outcome}: {cycle.scorecard.sentence if cycle.scorecard else '; '.join(cycle.notes)}"
        )
    for cycle in report.cycles:
        if cycle.rolled_back_to:
            say(f"  {cycle.as_of:%Y-%m-%d}  rolled back to {cycle.rolled_back_to}")


def models(
    loop: LoopArgument, workspace: WorkspaceOption = None, as_of: AsOfOption = None, as_json: JsonOption = False
) -> None:
    """Every registered model of a loop, oldest first."""
    from loop_core.models import registered

    with opened(workspace) as ws:
        target = ws.loop(loop)
        found = registered(target, moment(target, as_of))
    columns = {
        "version": "version",
        "kind": "kind",
        "registered_at": "since",
        "actor": "by",
        "parent": "parent",
        "n_rows": "rows",
    }
    show(found, as_json, columns, empty="No model yet. Next: loop bootstrap")


def compare(
    loop: LoopArgument,
    challenger: Annotated[str, typer.Argument(help="Model version that wants to serve.")],
    against: Annotated[str | None, typer.Option(help="Version to compare with; default: the champion.")] = None,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Champion against challenger on the same mature rows, cohort by cohort."""
    from loop_core.compare import compare as compare_models

    with opened(workspace) as ws:
        target = ws.loop(loop)
        card = compare_models(
            target, challenger, against=against, as_of=moment(target, as_of), actor=actor_or_me(actor)
        )
    if as_json:
        show(card, True)
        return
    say(f"{card.badge}. {card.sentence}")
    columns = {
        "metric": "metric", "cohort": "cohort", "cohort_value": "value", "n": "n", "champion": "champion", "challenger": "challenger",
        "difference": "difference", "ci_low": "low", "ci_high": "high", "verdict": "verdict",
    }  # fmt: skip
    show(card.cells, False, columns)
    for gate in card.gates:
        say(f"{gate.state:>8}  {gate.name}: {gate.sentence} {gate.next_step}")
    propose_it = f'loop propose {loop} {challenger} --reason "…"'
    states = {gate.state for gate in card.gates}
    if "blocked" in states:
        say(f"Scorecard {card.id}. A gate blocks the release.")
    elif "held" in states:
        say(f"Scorecard {card.id}. A gate is held: wait, or let people decide it: {propose_it}")
    else:
        say(f"Scorecard {card.id}. Next: {propose_it}")


def propose(
    loop: LoopArgument,
    challenger: Annotated[str, typer.Argument(help="Model version that wants to serve.")],
    reason: Annotated[str, typer.Option(help="Why it should be released.")],
    scorecard: Annotated[str | None, typer.Option(help="Id of the stored comparison; default: its newest.")] = None,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Ask that a challenger replaces the champion; somebody else must approve."""
    from loop_core.compare import latest_scorecard
    from loop_core.release import propose as ask

    with opened(workspace) as ws:
        target = ws.loop(loop)
        card = scorecard
        if card is None:
            newest = latest_scorecard(target, challenger)
            if newest is None:
                raise RefusedError(
                    f"{challenger} was never compared",
                    "a comparison with the champion",
                    f"loop compare {loop} {challenger}",
                )
            card = newest.id
        proposal = ask(
            target, challenger, scorecard=card, actor=actor_or_me(actor), as_of=moment(target, as_of), reason=reason
        )
        _say_held(target, proposal.scorecard_id)
    say(f"Proposal {proposal.id} made. Next, by somebody else: loop approve {loop} {proposal.id} --actor NAME")


def approve(
    loop: LoopArgument,
    proposal: ProposalArgument,
    reason: str = "",
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Approve somebody else's proposal."""
    from loop_core.release import approve as consent

    with opened(workspace) as ws:
        target = ws.loop(loop)
        after = consent(target, proposal, actor=actor_or_me(actor), as_of=moment(target, as_of), reason=reason)
        _say_held(target, after.scorecard_id)
    say(
        f"Proposal {after.id} is {after.state}: {len(after.approvals)} of {after.needed} approvals. Next: loop promote {loop} {after.id}"
    )


def reject(
    loop: LoopArgument,
    proposal: ProposalArgument,
    reason: Annotated[str, typer.Option(help="Why not; the proposer reads it.")],
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Close a proposal without releasing it."""
    from loop_core.release import reject as refuse

    with opened(workspace) as ws:
        target = ws.loop(loop)
        refuse(target, proposal, actor=actor_or_me(actor), as_of=moment(target, as_of), reason=reason)
    say(f"Proposal {proposal} is rejected.")


def promote(
    loop: LoopArgument,
    proposal: ProposalArgument,
    reason: str = "",
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Let an approved challenger serve."""
    from loop_core.release import promote as release

    with opened(workspace) as ws:
        target = ws.loop(loop)
        entry = release(target, proposal, actor=actor_or_me(actor), as_of=moment(target, as_of), reason=reason)
    say(f"{entry.subject} is the champion of {loop} since {entry.as_of:%Y-%m-%d %H:%M}.")


def rollback(
    loop: LoopArgument,
    reason: Annotated[str, typer.Option(help="What went wrong.")],
    to: Annotated[str | None, typer.Option(help="An earlier champion; default: the one before.")] = None,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = None,
    actor: ActorOption = None,
) -> None:
    """Go back to an earlier champion at once."""
    from loop_core.release import rollback as go_back

    with opened(workspace) as ws:
        target = ws.loop(loop)
        entry = go_back(target, to, actor=actor_or_me(actor), as_of=moment(target, as_of), reason=reason)
    say(f"{entry.subject} serves again since {entry.as_of:%Y-%m-%d %H:%M}.")


def _say_held(loop: Loop, scorecard: str) -> None:
    """Whoever proposes or approves is told what the comparison could not decide."""
    from loop_core.compare import load_scorecard

    card = load_scorecard(loop, scorecard)
    say(f"{card.badge}. {card.sentence}")
    for gate in card.gates:
        if gate.state == "held":
            say(f"! held, not passed – {gate.name}: {gate.sentence}")


def step(text: str) -> timedelta:
    """ "7d", "12h" → a timedelta. RefusedError otherwise."""
    found = re.fullmatch(r"(\d+)([dh])", text.strip())
    if not found or int(found[1]) == 0:
        raise RefusedError(f"Step {text!r}", "a number of days or hours, e.g. 7d or 12h", "correct --every")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))
