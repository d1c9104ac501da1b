"""`loop status | drift | performance | health | feedback | sql`: what can be read of a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import AsOfOption, GroupOption, JsonOption, WorkspaceOption, moment, one_group, opened
from loop_core.clock import now
from loop_core.frames import to_json
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore
    from loop_core.status import LoopStatus

PairOption = Annotated[str | None, typer.Option("--cohort", help="Cut by this declared cohort, or by a pair: a×b.")]
CohortOption = Annotated[str | None, typer.Option("--cohort", help="Cut by this declared cohort.")]
_WINDOW = {"window_start": "from", "window_end": "to"}
_COHORT = {"cohort_value": "cohort"}


def add_to(app: typer.Typer) -> None:
    for command in (status, drift, performance, health, feedback, sql):
        app.command(command.__name__)(command)


def status(workspace: WorkspaceOption = None, as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """One block per loop: champion, what the last cycle found, what waits for a decision."""
    from loop_core.status import long_quiet, loop_status

    with opened(workspace) as ws:
        loops = [ws.loop(name) for name in ws.loops()]
        found = [loop_status(loop, moment(loop, as_of)) for loop in loops]
        quiet = [None if as_of else long_quiet(loop, one.as_of) for loop, one in zip(loops, found, strict=True)]
    if as_json:
        show(found, True)
        return
    if not found:
        say("No loops yet. Next: loop import deliveries")
    for one, sentence in zip(found, quiet, strict=True):
        _say_status(one)
        if sentence:
            say(f"  ! {sentence}")


def _say_status(one: LoopStatus) -> None:
    say("", f"{one.loop}: {one.title} – as of {one.as_of:%Y-%m-%d}")
    serving = f", since {one.champion_since:%Y-%m-%d}" if one.champion_since else ""
    say(f"  champion {one.champion or 'none yet'}{serving}")
    for stage in dict.fromkeys(finding.stage for finding in one.findings):
        mine = [finding for finding in one.findings if finding.stage == stage]
        quiet = [finding for finding in mine if finding.state == State.OK]
        for finding in mine:
            if finding not in quiet:
                since = one.since[one.findings.index(finding)]
                say(f"  {stage:<12}{MARKS[finding.state]:<18} {finding.sentence} Since {since:%Y-%m-%d}.")
        # What is as it should be is one line; `loop drift` and its like show each.
        if quiet:
            say(
                f"  {stage:<12}{MARKS[State.OK]:<18} {quiet[0].sentence if len(quiet) == 1 else f'{len(quiet)} of {len(mine)} as usual.'}"
            )
    for waiting in one.waiting:
        say(f"  → {waiting}")


@on_loop(AS_OF)
def drift(
    here: Here,
    cohort: CohortOption = None,
    weeks: Annotated[int, typer.Option(help="Newest windows to show.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Drift of each feature and the score against the reference: newest window first, in each the worst first."""
    from loop_core.monitor import drift_scores

    scores = drift_scores(here.loop, here.as_of, weeks=weeks, cohort=cohort)
    columns = {
        "feature": "feature",
        **_WINDOW,
        **_COHORT,
        "value": "value",
        "expected_by_chance": "by chance",
        "threshold": "threshold",
        "n_current": "n",
        "state": "state",
    }
    show(scores if as_json else sorted(scores, key=_worst_first), as_json, columns, empty="No windows yet.")
    if not as_json:
        here.say_when_quiet()


def _worst_first(score: DriftScore) -> tuple[float, float]:
    """Newest window first; in it by how far the value is beyond its threshold, and last what has none."""
    beyond = score.value / score.threshold if score.value is not None and score.threshold else -1.0
    return -score.window_start.timestamp(), -beyond


@on_loop(AS_OF)
def performance(
    here: Here,
    cohort: PairOption = None,
    weeks: Annotated[int | None, typer.Option(help="Newest windows to show; all without it.")] = None,
    trend: Annotated[bool, typer.Option("--trend", help="Also the long-term trend.")] = False,
    estimated: Annotated[
        bool, typer.Option("--estimated", help="What scores alone let expect, pending or not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Realised metrics of mature windows; younger ones are pending, and `--estimated` says what to expect of them."""
    from loop_core.monitor import estimated_performance
    from loop_core.monitor import performance as realised

    columns = {
        "metric": "metric", **_WINDOW, **_COHORT, "value": "value", "ci_low": "low", "ci_high": "high",
        "n": "n", "state": "state", "model_version": "model",
    }  # fmt: skip
    if estimated:
        points = estimated_performance(here.loop, here.as_of, cohort=cohort, weeks=weeks)
        show(points, as_json, columns, empty="No scored windows yet.")
        if points and not as_json:
            say(points[-1].note)
        return
    found = realised(here.loop, here.as_of, cohort=cohort, weeks=weeks, trend=trend)
    columns |= {"mature_share": "mature"} | ({"length_days": "days"} if trend else {})
    if any(point.bounds for point in found):
        columns |= {"waiting": "labels out", "bound_low": "could be from", "bound_high": "to"}
    columns |= {"shrunk": "drawn to all", "small": "small"} if cohort else {}
    show(found, as_json, columns, empty="No scored windows yet.")
    if not as_json:
        here.say_when_quiet()


@on_loop(AS_OF)
def health(here: Here, cohort: PairOption = None, as_json: JsonOption = False) -> None:
    """Volume, latency, errors, confidence and ratings, window by window."""
    from loop_core.monitor import service_health

    points = service_health(here.loop, here.as_of, cohort=cohort)
    show(points, as_json, empty="No windows yet.")


@on_loop(AS_OF)
def feedback(
    here: Here,
    text: Annotated[str | None, typer.Option(help="Only comments with this text.")] = None,
    max_rating: Annotated[float | None, typer.Option(help="Only ratings up to this.")] = None,
    cohort: GroupOption = None,
    limit: int = 15,
    as_json: JsonOption = False,
) -> None:
    """What users said, newest first, beside the prediction it is about."""
    from loop_core.feedback import feedback_items

    page = feedback_items(here.loop, here.as_of, text=text, max_rating=max_rating, group=one_group(cohort), limit=limit)
    show(page if as_json else page.items, as_json, empty="No feedback matches.")
    if not as_json:
        say(f"{page.total:,} in all.")


@on_loop(AS_OF)
def sql(
    here: Here,
    query: Annotated[str, typer.Argument(help="One SELECT over predictions, outcomes, labels, rows, feedback, ….")],
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=86_400, help="Longest time; default: the charter's.")
    ] = None,
    memory_mb: Annotated[
        int | None, typer.Option(min=100, max=1_000_000, help="Most memory, in MB; default: the charter's.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the loop as it was known at an instant: one SELECT over its views, and nothing else is run."""
    from loop_core.labels import known_at

    reading = known_at(here.loop, here.as_of if here.dated else now()).with_limits(seconds, memory_mb)
    rows = [to_json(row) for row in reading.frame(query).to_dicts()]
    show(rows, as_json, empty="No rows.")
