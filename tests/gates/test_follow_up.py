"""What fails after a commit is told as that: what was asked for is in, and the rest is made up for."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.errors import FollowUpError, StorageError
from loop_core.gates import ingest, retract
from loop_core.ledger import Ledger
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.conftest import START


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.csv"
    path.write_text("prediction_id,predicted_at,price,weight,state\na,2017-12-01T10:00:00Z,1,2,SP\n")
    return path


def full(*args: object, **kwargs: object) -> None:
    raise StorageError("The disk is full")


def rows(loop: Loop) -> int:
    return int(loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0])


def test_a_batch_whose_entry_cannot_be_written_is_told_to_be_in(
    loop: Loop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full)
        with pytest.raises(FollowUpError, match=r"1 accepted.* committed and stays; .*The disk is full"):
            ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=START)
    assert rows(loop) == 1
    again = ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=START)
    assert (again.state, len(loop.entries("batch.ingested"))) == ("already_ingested", 1)


def test_so_is_a_retraction(loop: Loop, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=START).batch_id
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full)
        with pytest.raises(FollowUpError, match=r"out of the lake.* committed and stays"):
            retract(loop, batch, actor="ana", as_of=START, reason="wrong file")
    assert rows(loop) == 0
    assert retract(loop, batch, actor="ana", as_of=START, reason="wrong file").state == "already_retracted"
    assert len(loop.entries("batch.retracted")) == 1
