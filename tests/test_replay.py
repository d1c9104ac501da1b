"""The whole loop over a small past: nothing later is known, and the same seed tells the same story."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loop_core.clock import instant
from loop_core.cycle import run_cycle
from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import known_at
from loop_core.models import ModelStore
from loop_core.monitor import performance
from loop_core.recipes import import_recipe
from loop_core.replay import ReplayPlan, first_champion, replay, replayable
from loop_core.workspace import Loop, Workspace

START, END = instant("2018-03-05"), instant("2018-04-16")
QUIET_END = instant("2018-04-09")
QUIETLY = ReplayPlan(START, QUIET_END, train=False)


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the 15,000 real orders imported, and a quick retrain after four weeks; copied by each test."""
    folder = tmp_path_factory.mktemp("olist") / "w"
    with Workspace.create(folder) as workspace:
        import_recipe(workspace, "olist", real_data / "olist_15k", actor="ana", as_of=instant("2019-01-01"))
        loop = workspace.loop("orders")
        text = workspace.charter_file("orders").read_text().replace("trials = 15", "trials = 2")
        text = text.replace("every_days = 91", "every_days = 28")
        workspace.set_charter(text, actor="ana", reason="quick", as_of=loop.present(instant("2019-01-01")))
    return folder


def opened(olist: Path, folder: Path) -> Loop:
    shutil.copytree(olist, folder)
    return Workspace.open(folder).loop("orders")


def story(loop: Loop) -> list[tuple[object, ...]]:
    """The ledger but for wall-clock times and the hashes that contain them."""
    return [(e.seq, e.as_of, e.kind, e.subject, e.actor, e.reason, e.payload) for e in loop.ledger.entries()]


def test_a_replay_stopped_and_resumed_ends_as_one_that_ran_through(olist: Path, tmp_path: Path) -> None:
    whole, halves = opened(olist, tmp_path / "a"), opened(olist, tmp_path / "b")
    replay(whole, QUIETLY, actor="ana")
    looks = iter([False, False, True])
    assert replay(halves, QUIETLY, actor="ana", should_stop=lambda: next(looks)).stopped
    assert not replay(halves, QUIETLY, actor="ana").stopped
    assert story(whole) == story(halves)
    scores = [
        loop.lake.rows(f"select prediction_id, score from {loop.table('predictions')} order by 1")
        for loop in (whole, halves)
    ]
    assert scores[0] == scores[1]


def test_two_replays_with_one_seed_tell_the_same_story_whatever_comes_out_later(olist: Path, tmp_path: Path) -> None:
    """After the replay every label is stated once more: as it was in one loop, turned around in the other. Were a label
    used before its time, or anything left to chance, the two loops would differ."""
    honest, betrayed = opened(olist, tmp_path / "a"), opened(olist, tmp_path / "b")
    for loop, said in ((honest, "label"), (betrayed, "1 - label")):
        state_again(loop, said)
        replay(loop, ReplayPlan(START, END, seed=1), actor="ana")
    assert story(honest) == story(betrayed)
    assert {"cycle.ran", "trigger.decided", "model.registered", "comparison.made"} <= {
        e.kind for e in honest.ledger.entries()
    }
    stores = [ModelStore(loop.workspace) for loop in (honest, betrayed)]
    assert stores[0].versions() == stores[1].versions() != ()
    for version in stores[0].versions():
        files = [sorted((loop.workspace.models / version).iterdir()) for loop in (honest, betrayed)]
        assert [f.read_bytes() for f in files[0]] == [f.read_bytes() for f in files[1]]
    findings = [
        loop.lake.rows(
            f"select as_of, code, subject, round(value, 12) from {loop.table('findings')} where stage = 'performance' order by all"
        )
        for loop in (honest, betrayed)
    ]
    assert findings[0] == findings[1] != []
    # The planted labels are there, for whoever asks later.
    late = END + timedelta(days=60)
    assert [p.value for p in performance(honest, late)] != [p.value for p in performance(betrayed, late)]


def state_again(loop: Loop, said: str) -> None:
    outcomes = loop.table("outcomes")
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {outcomes} select prediction_id, {said}, $known, 'correction', 'planted' from {outcomes}",
            {"known": END + timedelta(hours=1)},
        ),
        actor="eve",
        message="labels of the future",
    )


def test_each_prediction_is_answered_once_by_the_champion_of_its_time(olist: Path, tmp_path: Path) -> None:
    loop = opened(olist, tmp_path / "a")
    report = replay(loop, QUIETLY, actor="ana")
    in_span = {"start": START, "end": QUIET_END}
    counted = loop.lake.rows(
        f"select count(*), count(score), count(distinct model_version) from {loop.table('predictions')} where predicted_at >= $start and predicted_at < $end",
        in_span,
    )
    assert counted == [(report.served, report.served, 1)]
    assert loop.lake.rows(
        f"select count(score) from {loop.table('predictions')} where predicted_at < $start", {"start": START}
    ) == [(0,)]
    assert loop.champion(QUIET_END) == loop.champion(START)


def test_a_cycle_twice_is_one_cycle(olist: Path, tmp_path: Path) -> None:
    loop = opened(olist, tmp_path / "a")
    first_champion(loop, until=START, actor="ana")
    for _ in range(2):
        run_cycle(loop, END, actor="ana", train=False)
    assert len(loop.entries("cycle.ran")) == 1
    assert len(loop.entries("trigger.decided")) == 1
    rows, distinct = loop.lake.rows(
        f"select count(*), count(distinct (code, subject, cohort, cohort_value)) from {loop.table('findings')}"
    )[0]
    assert rows == distinct > 0


def test_a_replay_of_nonsense_is_refused() -> None:
    with pytest.raises(RefusedError, match="from before to"):
        ReplayPlan(END, START)
    with pytest.raises(RefusedError, match="positive step"):
        ReplayPlan(START, END, timedelta(0))


def test_a_span_worth_replaying_leaves_rows_to_train_on(loop: Loop) -> None:
    assert replayable(loop, END) is None
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('predictions')} (prediction_id, predicted_at)"
            " select i::varchar, $start::timestamptz + to_days(i::int) from range(400) as r(i)",
            {"start": START},
        ),
        actor="ana",
        message="a row a day",
    )
    late = START + timedelta(days=900)
    quarter, present = START + timedelta(days=99), START + timedelta(days=400)
    assert replayable(loop, late) == (quarter, present)
    assert replayable(loop, START + timedelta(days=50)) is None


def test_a_first_champion_needs_rows_or_scores(loop: Loop) -> None:
    with pytest.raises(NotReadyError, match="No score of 'incumbent'"):
        first_champion(loop, external="incumbent", actor="ana")
    with pytest.raises((NotReadyError, RefusedError)):
        first_champion(loop, until=START, actor="ana")
    assert loop.champion(datetime.max.replace(tzinfo=START.tzinfo)) is None
    assert known_at(loop, END).rows("select count(*) from rows") == [(0,)]
