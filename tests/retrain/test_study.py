"""Where trials are stored: the same search is found again, and what goes wrong is said without the password."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loop_core.errors import StoppedError, StorageError
from loop_core.retrain import Budget, RetrainResult, live_search, retrain, spending
from loop_core.retrain.study import Search
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import END, insert, parcels, rows

BUDGET = Budget(3, 600)


def run(loop: Loop, **changes: Any) -> RetrainResult:
    return retrain(loop, as_of=END, actor="ana", seed=1, budget=BUDGET, **changes)


def more(loop: Loop, prefix: str) -> None:
    insert(loop, rows(60, seed=5).with_columns(pl.format(prefix + "{}", "prediction_id").alias("prediction_id")))


def test_a_stopped_search_on_newer_data_is_found_again_when_the_data_moves_on(workspace: Workspace) -> None:
    loop, done = parcels(workspace, n=1500), list[str]()
    run(loop)
    more(loop, "q")
    with pytest.raises(StoppedError):
        run(loop, progress=lambda _, said: done.append(said), should_stop=lambda: "Trial 2" in str(done))
    begun = loop.lake.snapshot()
    more(loop, "r")
    second = run(loop)
    assert (second.snapshot, second.trials) == (begun, BUDGET.trials)
    assert len(spending(loop, END)) == 2, "no third one was begun"
    assert run(loop).snapshot > begun, "that one is over: now the data has moved on"


def test_a_password_is_not_shown() -> None:
    with pytest.raises(StorageError, match=r"studies at .*ana:…@127\.0\.0\.1") as caught:
        Search("postgresql://ana:secret@127.0.0.1:1/x", "odd", 1, seed=0)
    assert "secret" not in str(caught.value)


def test_a_broken_storage_is_said_wherever_it_is_asked(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1000)
    opened = Search(workspace.studies_url, "odd", 1, seed=0)
    with sqlite3.connect(Path(workspace.studies_url.removeprefix("sqlite:///"))) as connection:
        for table in ("study_user_attributes", "trials", "studies"):
            connection.execute(f"drop table {table}")
    connection.close()
    for ask in (
        lambda: Search(workspace.studies_url, "odd", 1, seed=0),
        lambda: opened.version,
        lambda: opened.note(seconds=1.0),
        lambda: spending(loop, END),
        lambda: live_search(loop, END, seed=1, budget=BUDGET),
    ):
        with pytest.raises(StorageError, match="no such table"):
            ask()


def test_two_runs_of_one_search_store_no_trial_twice(tmp_path: Path) -> None:
    """A worker that was suspended comes back when another one has taken its job over."""
    url = f"sqlite:///{tmp_path}/studies.db"
    late = Search(url, "one", 1, seed=0)
    trial = late.ask(None)
    other = Search(url, "one", 1, seed=0)
    other.tell(other.ask(None), 1.0)
    with pytest.raises(StorageError, match="Another run of this very retrain"):
        late.tell(trial, 2.0)
    again = Search(url, "one", 1, seed=0)
    assert [view.value for view in again.views()] == [1.0]
    again.tell(again.ask(None), 3.0)
