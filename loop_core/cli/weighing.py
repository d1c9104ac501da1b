"""`loop tradeoff`, and `loop compare` of several challengers: more than two models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from loop_core.cli.console import gained, say, show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption

#: So many groups are named on a line; --json has the rest.
NAMED = 5


def add_to(app: typer.Typer) -> None:
    app.command("tradeoff")(tradeoff)


def compare_several(here: Here, challengers: Sequence[str], against: str | None, as_json: bool) -> None:
    """Several challengers against one baseline, on the rows they share."""
    from loop_core.compare.rivals import compare_many

    found = compare_many(here.loop, challengers, against=against, as_of=here.as_of, actor=here.actor)
    if as_json:
        show(found, True)
        return
    say(found.sentence)
    columns = {
        "challenger": "challenger", "metric": "metric", "baseline_value": found.baseline, "value": "value",
        "gain": "difference (95 %)", "verdict": "verdict", "reason": "note",
    }  # fmt: skip
    show([gained(one) for one in found.rivals], False, columns)
    for one in found.standings:
        more = f" and {len(one.worse) - NAMED} more" if len(one.worse) > NAMED else ""
        worse = f"; worse for {', '.join(one.worse[:NAMED])}{more}" if one.worse else ""
        say(f"{one.challenger}: {one.badge} by itself{worse}.")
    for note in found.notes:
        say(note)


@on_loop(AS_OF)
def tradeoff(
    here: Here,
    versions: Annotated[
        list[str] | None, typer.Argument(help="Model versions; default: the champion and the newest.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows that each is timed on, one by one; 0: no timing.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the draw of these rows.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Accuracy, fairness, latency, size and training cost, and which models nothing beats."""
    from loop_core.compare.tradeoff import tradeoff as weigh
    from loop_core.compare.tradeoffs import save_tradeoff

    found = weigh(here.loop, here.as_of, versions, rows=rows, seed=seed)
    save_tradeoff(here.loop, found)
    if as_json:
        show(found, True)
        return
    say(found.sentence)
    columns = {
        "version": "model", "value": found.metric, "gap": "fairness gap", "latency_p50_ms": "p50 ms", "latency_p95_ms": "p95 ms",
        "latency_from": "latency", "model_bytes": "bytes", "training_seconds": "training s", "dominated_by": "beaten by",
        "unknown": "not known",
    }  # fmt: skip
    show(found.candidates, False, columns, empty="There is no model yet.")
    for note in found.notes:
        say(note)
