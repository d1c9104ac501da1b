"""`loop compare | selftest | override | propose | approve | reject | promote | rollback`: who serves, and who said so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import agree, gained, say, show
from loop_core.cli.exported import hand_out, refuse_existing
from loop_core.cli.further import say_further
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.cli.progress import progress_bar
from loop_core.cli.weighing import compare_several
from loop_core.errors import RefusedError
from loop_core.vocabulary import Verdict

if TYPE_CHECKING:
    from loop_core.compare import Scorecard

ProposalArgument = Annotated[str, typer.Argument(help="A proposal's id, e.g. p1.")]


def add_to(app: typer.Typer) -> None:
    for command in (compare, selftest, override, propose, approve, reject, promote, rollback):
        app.command(command.__name__)(command)


@on_loop(AS_OF, ACTOR)
def compare(
    here: Here,
    challengers: Annotated[
        list[str], typer.Argument(help="Model versions that want to serve; several share one set of rows.")
    ],
    against: Annotated[str | None, typer.Option(help="Version to compare with; default: the champion.")] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the comparison as one file that opens in any browser."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Champion against challenger on the same rows whose labels are due, cohort by cohort; or against several, to pick the best."""
    from loop_core.compare import compare as compare_models
    from loop_core.compare import overrides_of

    refuse_existing(html)
    if len(challengers) > 1:
        if html is not None:
            raise RefusedError(
                "--html with several challengers", "one, whose comparison is written", "leave one of the two out"
            )
        compare_several(here, challengers, against, as_json)
        return
    card = compare_models(here.loop, challengers[0], against=against, as_of=here.as_of, actor=here.actor)
    if html is not None:
        from loop_core.compare.export import scorecard_html

        hand_out(html, scorecard_html(here.loop, card), quiet=as_json)
    if as_json:
        show(card, True)
        return
    say(headline(card))
    for note in card.notes:
        say(note)
    _show_cells(card)
    if card.slices:
        columns = {
            "id": "slice", "text": "where", "metric": "metric", "gain": "difference (95 %)", "n": "n",
            "gap_search": "where found", "n_search": "n there",
        }  # fmt: skip
        show([gained(one, one.gap) for one in card.slices], False, columns)
    say_further(card)
    aside = overrides_of(here.loop, card.id, here.as_of)
    for gate in card.gates:
        todo = f" To do: {gate.next_step}." if gate.next_step and gate.name not in aside else ""
        set_aside = f" Set aside by {aside[gate.name].actor}: {aside[gate.name].reason}" if gate.name in aside else ""
        say(f"{gate.state:>8}  {gate.name}: {gate.sentence}{todo}{set_aside}")


def _show_cells(card: Scorecard) -> None:
    """What was judged, as a table; of a first release, where nothing can be, every value."""
    columns = {
        "metric": "metric", "cohort": "cohort", "cohort_value": "value", "n": "n", "champion": "champion", "challenger": "challenger",
        "gain": "difference (95 %)", "verdict": "verdict",
    }  # fmt: skip
    if card.champion is None:
        alone = {name: columns[name] for name in ("metric", "cohort", "cohort_value", "n", "challenger")}
        show(
            [cell for cell in card.cells if cell.challenger is not None],
            False,
            alone,
            empty="Nothing can be estimated.",
        )
        return
    judged = [cell for cell in card.cells if cell.verdict is not Verdict.NOT_APPLICABLE]
    if any(cell.bounds for cell in judged):
        columns["bounds"] = "whatever labels are missing"
    rows = [{**gained(cell), "bounds": cell.bounds} for cell in judged]
    show(rows, False, columns, empty="No group has rows enough to judge.")
    if small := len(card.cells) - len(judged):
        say(f"{small} more cells have too few rows to judge; --json shows them.")


@on_loop(AS_OF, ACTOR)
def selftest(
    here: Here,
    challenger: Annotated[
        str | None,
        typer.Option(help="Whose differences from the champion are the noise; default: the one compared last."),
    ] = None,
    runs: Annotated[int, typer.Option(help="Pairs of equal models.")] = 200,
    harm_runs: Annotated[int, typer.Option(help="Runs of each planted harm.")] = 25,
    seed: Annotated[int, typer.Option(help="Of coins and noise.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """How good are the gates: equal models that are blocked, planted harms that are not."""
    from loop_core.compare import selftest as try_gates

    with progress_bar("selftest") as progress:
        found = try_gates(
            here.loop, here.as_of, challenger=challenger, runs=runs, harm_runs=harm_runs, seed=seed, actor=here.actor, progress=progress
        )  # fmt: skip
    if as_json:
        show(found, True)
        return
    say(found.sentence)
    columns = {
        "cohort": "cohort", "cohort_value": "value", "n": "n", "metric": "metric", "margins": "margins", "harm": "harm",
        "blocked": "blocked", "let_through": "let through",
    }  # fmt: skip
    show(found.harms, False, columns, empty="No harm was planted.")


@on_loop(AS_OF, ACTOR)
def override(
    here: Here,
    scorecard: Annotated[str, typer.Argument(help="Id of the stored comparison.")],
    gate: Annotated[str, typer.Argument(help='Name of one of its gates, e.g. "no cohort worse".')],
    reason: Annotated[str, typer.Option(help="Why it does not count here; it stays on record.")],
) -> None:
    """Set a gate of one comparison aside; somebody else still has to approve the release."""
    from loop_core.release import override as set_aside

    made = set_aside(here.loop, scorecard, gate, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"{made.sentence}. Next: loop propose {here.name} {made.challenger} --scorecard {made.scorecard} --reason WHY")


@on_loop(AS_OF, ACTOR)
def propose(
    here: Here,
    challenger: Annotated[str, typer.Argument(help="Model version that wants to serve.")],
    reason: Annotated[str, typer.Option(help="Why it should be released.")],
    scorecard: Annotated[str | None, typer.Option(help="Id of the stored comparison; default: its newest.")] = None,
) -> None:
    """Ask that a challenger replaces the champion; somebody else must approve."""
    from loop_core.compare import load_scorecard
    from loop_core.release import propose as ask

    # A comparison that is named may be an older one; the newest is the newest of this moment.
    seen = None if scorecard else here.loop.ledger.length()
    card = scorecard or _newest(here, challenger)
    proposal = ask(here.loop, challenger, scorecard=card, actor=here.actor, as_of=here.as_of, reason=reason, seen=seen)
    _say_held(here, load_scorecard(here.loop, proposal.scorecard_id))
    say(f"Proposal {proposal.id} made. Next, by somebody else: loop approve {here.name} {proposal.id} --actor NAME")


def _newest(here: Here, challenger: str) -> str:
    """Id of a challenger's newest scorecard."""
    from loop_core.compare import latest_scorecard

    newest = latest_scorecard(here.loop, challenger)
    if newest is None:
        todo = f"loop compare {here.name} {challenger}"
        raise RefusedError(f"{challenger} was never compared", "a comparison with the champion", todo)
    return newest.id


@on_loop(AS_OF, ACTOR)
def approve(here: Here, proposal: ProposalArgument, reason: str = "") -> None:
    """Approve somebody else's proposal."""
    from loop_core.compare import load_scorecard
    from loop_core.release import approve as consent

    after = consent(here.loop, proposal, actor=here.actor, as_of=here.as_of, reason=reason)
    _say_held(here, load_scorecard(here.loop, after.scorecard_id))
    say(
        f"Proposal {after.id} is {after.state}: {len(after.approvals)} of {after.needed} approvals. Next: loop promote {here.name} {after.id}"
    )


@on_loop(AS_OF, ACTOR)
def reject(
    here: Here,
    proposal: ProposalArgument,
    reason: Annotated[str, typer.Option(help="Why not; the proposer reads it.")],
) -> None:
    """Close a proposal without releasing it."""
    from loop_core.release import reject as refuse

    refuse(here.loop, proposal, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"Proposal {proposal} is rejected.")


@on_loop(AS_OF, ACTOR)
def promote(
    here: Here,
    proposal: ProposalArgument,
    reason: str = "",
    away: Annotated[
        str | None, typer.Option("--from", help="The champion it replaces; refused when another serves.")
    ] = None,
) -> None:
    """Let an approved challenger serve."""
    from loop_core.release import promote as release

    seen = here.loop.ledger.length()
    _check_champion(here, away, here.loop.champion(here.as_of))
    entry = release(here.loop, proposal, actor=here.actor, as_of=here.as_of, reason=reason, seen=seen)
    instead = f", instead of {entry.payload['previous']}" if entry.payload["previous"] else ""
    say(f"{entry.subject} is the champion of {here.name} since {entry.as_of:%Y-%m-%d %H:%M}{instead}.")


@on_loop(AS_OF, ACTOR)
def rollback(
    here: Here,
    reason: Annotated[str, typer.Option(help="What went wrong.")],
    to: Annotated[
        str | None,
        typer.Option(help="An earlier champion; default: the newest that was not rolled back from, once you agree."),
    ] = None,
    away: Annotated[
        str | None, typer.Option("--from", help="The champion to leave; refused when another serves.")
    ] = None,
) -> None:
    """Go back to an earlier champion at once."""
    from loop_core.release import rollback as go_back

    seen, serving = here.loop.ledger.length(), here.loop.champion(here.as_of)
    _check_champion(here, away, serving)
    targets = here.loop.predecessors(here.as_of)
    if to is None and away is None and targets:
        command = f"loop rollback {here.name} --from {serving} --to {targets[0]} --reason WHY"
        agree(f"{here.name} goes back from {serving} to {targets[0]}", command)
    entry = go_back(here.loop, to, actor=here.actor, as_of=here.as_of, reason=reason, seen=seen)
    say(f"{entry.subject} serves again since {entry.as_of:%Y-%m-%d %H:%M}, instead of {entry.payload['previous']}.")


def _check_champion(here: Here, named: str | None, serving: str | None) -> None:
    """RefusedError where another model serves than the one that was named."""
    if named is not None and named != serving:
        raise RefusedError(
            f"{serving or 'No model'} serves {here.name}, not {named}",
            todo=f"nothing was done; look at `loop status {here.name}`, then decide",
        )


def headline(card: Scorecard) -> str:
    """A comparison in one line: the badge, then what it rests on."""
    return f"{card.badge}. {card.sentence}"


def _say_held(here: Here, card: Scorecard) -> None:
    """Whoever proposes or approves is told what the comparison could not decide, and what was set aside."""
    from loop_core.compare import overrides_of

    say(headline(card))
    aside = overrides_of(here.loop, card.id, here.as_of)
    for gate in card.gates:
        if gate.name in aside:
            say(f"! {aside[gate.name].sentence}")
        elif gate.state == "held":
            say(f"! held, not passed – {gate.name}: {gate.sentence}")
