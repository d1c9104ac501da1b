"""What waits and what came in: an act on it is refused where somebody was faster, and then nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loop_core.errors import RefusedError
from loop_core.gates import ingest, retract
from loop_core.gates.quarantine import dismiss, fix, list_rows, refuse_changed, workable
from loop_core.gates.replay import replay
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.signals.deliveries import AS_OF, contents, deliver, prediction, write_csv

Act = Callable[..., object]
WHO = {"actor": "ana", "as_of": AS_OF}
OTHER = {"actor": "bo", "as_of": AS_OF}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "a.csv", [prediction(1), prediction(2, price=-1)])


@pytest.fixture
def row(loop: Loop, file: Path) -> str:
    """A row that waits in the quarantine of `loop`."""
    deliver(loop, Signal.PREDICTIONS, file)
    return list_rows(loop)[0].quarantine_id


def acts(loop: Loop, row: str) -> dict[str, Act]:
    return {
        "fix": lambda **more: fix(loop, row, {"price": "7"}, **WHO, **more),
        "dismiss": lambda **more: dismiss(loop, [row], reason="a test", **WHO, **more),
        "replay": lambda **more: replay(loop, [row], **WHO, **more),
    }


@pytest.mark.parametrize("verb", ["fix", "dismiss", "replay"])
def test_a_row_that_somebody_corrected_is_looked_at_again(loop: Loop, row: str, verb: str) -> None:
    seen = loop.ledger.length()
    fix(loop, row, {"price": "8"}, **OTHER)
    before = contents(loop, "quarantine"), contents(loop, "predictions"), loop.ledger.length()
    with pytest.raises(RefusedError, match="changed since you looked: bo corrected row"):
        acts(loop, row)[verb](seen=seen)
    assert (contents(loop, "quarantine"), contents(loop, "predictions"), loop.ledger.length()) == before
    acts(loop, row)[verb](seen=loop.ledger.length())


@pytest.mark.parametrize("verb", ["fix", "dismiss", "replay"])
def test_a_row_corrected_while_the_act_is_under_way_is_not_overwritten(loop: Loop, row: str, verb: str) -> None:
    """Both looked, both were let through; the lake's own transaction is where the second finds out."""
    write, first = loop.lake.write, [True]

    def write_second(body: Act, **more: str) -> object:
        if first:
            first.clear()
            fix(loop, row, {"price": "8"}, **OTHER)
        return write(body, **more)

    loop.lake.write = write_second  # type: ignore[method-assign,assignment]
    with pytest.raises(RefusedError, match="corrected, replayed or dismissed meanwhile"):
        acts(loop, row)[verb]()
    (waiting,) = list_rows(loop)
    assert (waiting.row["price"], waiting.state, waiting.decided_by) == ("8", "fixed", "bo")
    assert [entry.actor for entry in loop.entries("quarantine.")] == ["bo"]


def test_rows_as_they_are_pass(loop: Loop, row: str) -> None:
    rows = workable(loop, [row])
    loop.lake.write(lambda tx: refuse_changed(tx, loop, rows), actor="ana", message="nothing")


@pytest.mark.parametrize("again", [False, True])
def test_a_batch_that_was_taken_out_or_came_again_is_looked_at_again(
    loop: Loop, row: str, file: Path, again: bool
) -> None:
    batch = str(loop.entries("batch.ingested")[0].payload["batch_id"])
    seen = loop.ledger.length()
    retract(loop, batch, reason="the wrong export", **OTHER)
    if again:
        ingest(loop, Signal.PREDICTIONS, read_source(str(file)), **OTHER)
    before = contents(loop, "predictions"), loop.ledger.length()
    with pytest.raises(RefusedError, match=r"Batch .* changed since you looked: bo (retracted|ingested)"):
        retract(loop, batch, reason="the wrong export", seen=seen, **WHO)
    assert (contents(loop, "predictions"), loop.ledger.length()) == before
