"""Whatever happens to the rows, the sum of the stored profiles is what a recount of the rows gives."""

from __future__ import annotations

import os
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.lake import maintain_lake
from loop_core.monitor import drift_scores
from loop_core.monitor.profiles import check_profiles, plan, profile_series, refresh_profiles, settle_profiles, store
from loop_core.monitor.profiles.check import recount
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)


def write(loop: Loop, sql: str, frame: pl.DataFrame | None = None, **given: object) -> None:
    def body(tx):
        if frame is not None:
            tx.register("given_rows", frame)
        tx.execute(sql, given)

    loop.lake.write(body, actor="ana", message="test")


def some(seed: int, n: int = 400) -> pl.DataFrame:
    """Rows all over the time, with fresh ids."""
    rows = predictions(seed).sample(n, seed=seed).drop("chance")
    return rows.with_columns(prediction_id=f"{seed}-" + pl.col("prediction_id"), model_version=pl.lit("old"))


def insert(loop: Loop, seed: int) -> None:
    write(loop, f"insert into {loop.table('predictions')} by name from given_rows", some(seed))


def delete(loop: Loop, seed: int) -> None:
    write(loop, f"delete from {loop.table('predictions')} where hash(prediction_id) % 17 = $k", k=seed % 17)


def correct(loop: Loop, seed: int) -> None:
    """A source sends other content under the same ids, as gates do with on_conflict = "update"."""
    write(
        loop,
        f"""merge into {loop.table("predictions")} as l using (select prediction_id, -price as price, 'ZZ' as state
        from {loop.table("predictions")} where hash(prediction_id) % 13 = $k) as s on s.prediction_id = l.prediction_id
        when matched then update set price = s.price, state = s.state""",
        k=seed % 13,
    )


def serve(loop: Loop, seed: int) -> None:
    """Another model answers some rows, as `release.serve` does."""
    version = "old" if seed % 2 else "new"
    write(
        loop,
        f"""merge into {loop.table("predictions")} as p using (select prediction_id from {loop.table("predictions")}
        where hash(prediction_id) % 5 = $k) as s on p.prediction_id = s.prediction_id
        when matched then update set score = 0.25, model_version = $version, route = 'champion'""",
        k=seed % 5,
        version=version,
    )


def move(loop: Loop, seed: int) -> None:
    write(
        loop,
        f"update {loop.table('predictions')} set predicted_at = predicted_at + interval 3 day where hash(prediction_id) % 29 = $k",
        k=seed % 29,
    )


def odd(loop: Loop, seed: int) -> None:
    odd = some(seed, 40).with_columns(
        weight=pl.Series([float("inf"), float("-inf"), float("nan"), None, 1e300] * 8), state=pl.lit(None, pl.String)
    )
    write(loop, f"insert into {loop.table('predictions')} by name from given_rows", odd)


def say(loop: Loop, seed: int) -> None:
    """People rate predictions: known ones, some that nobody made, and the service as such; some only comment."""
    rng, n = np.random.default_rng(seed), 300
    about = [None if k == 0 else f"{'' if k < 5 else 'no '}{i:05d}" for k, i in rng.integers((6, 8_000), size=(n, 2))]
    given = {
        "feedback_id": [f"{seed}-{i}" for i in range(n)],
        "prediction_id": about,
        "given_at": [START + timedelta(days=float(day)) for day in rng.uniform(0, DAYS + 20, n)],
        "rating": [None if k == 0 else float(k) for k in rng.integers(6, size=n)],
    }
    frame = pl.DataFrame(given, schema_overrides={"prediction_id": pl.String, "rating": pl.Float64})
    write(loop, f"insert into {loop.table('feedback')} by name from given_rows", frame)


def retract(loop: Loop, seed: int) -> None:
    write(loop, f"delete from {loop.table('feedback')} where hash(feedback_id) % 7 = $k", k=seed % 7)


def revise(loop: Loop, seed: int) -> None:
    """Another rating, another day, about another prediction; a rating that is taken back."""
    write(
        loop,
        f"""update {loop.table("feedback")} set rating = case when hash(feedback_id) % 2 = 0 then 6 - rating end,
        given_at = given_at + interval 1 day, prediction_id = '00042' where hash(feedback_id) % 11 = $k""",
        k=seed % 11,
    )


def refresh(loop: Loop, seed: int) -> None:
    refresh_profiles(loop, actor="ana")


def tidy(loop: Loop, seed: int) -> None:
    settle_profiles(loop, actor="ana")


def maintain(loop: Loop, seed: int) -> None:
    maintain_lake(loop.lake, pinned=[], older_than=datetime.now(UTC) + timedelta(days=1))


CHANGES = [insert, delete, correct, serve, move, odd, say, say, retract, revise]
KEEPING = [refresh, refresh, tidy, maintain]
#: More walks, for who has the time.
LONG = os.environ.get("LOOPBENCH_FAULTS") == "long"


def world(folder: Path, catalog: str | None) -> Loop:
    workspace = Workspace.create(folder / "w", catalog=catalog)
    loop = workspace.set_charter(CHARTER, actor="ana", reason="", as_of=START)
    fill(loop, predictions().head(4_000))
    refresh_profiles(loop, actor="ana")
    return loop


def holds(loop: Loop) -> None:
    refresh_profiles(loop, actor="ana")
    found = recount(loop)
    assert found is not None
    assert found.checked == found.days > 50
    assert found.differences == ()


@pytest.mark.parametrize("seed", range(20 if LONG else 1))
@pytest.mark.parametrize("catalog", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_profiles_are_the_recount_after_any_sequence_of_changes(catalog, seed, request, tmp_path):
    """A walk that takes every step (twice, in `make faults`), in any order, and looks after some of them."""
    from tests.postgres import fresh_database

    loop = world(tmp_path, fresh_database(request.getfixturevalue("postgres")) if catalog == "postgres" else None)
    chance = random.Random(seed)
    steps = [*CHANGES, *(CHANGES if LONG else ()), *KEEPING]
    for k, step in enumerate(chance.sample(steps, len(steps))):
        step(loop, 1 + k)
        if chance.random() < 0.25:
            holds(loop)
    tidy(loop, 0)
    holds(loop)
    loop.workspace.close()


def test_a_refresh_with_nothing_new_writes_nothing_and_counts_nothing(loop):
    fill(loop, predictions())
    first = refresh_profiles(loop, actor="ana")
    assert first.rebuilt
    assert first.rows == 8_000
    before = loop.lake.snapshot()
    again = refresh_profiles(loop, actor="ana")
    assert (again.rows, again.rebuilt, again.binning) == (0, False, first.binning)
    assert loop.lake.snapshot() == before


def test_only_what_changed_is_counted_and_what_cancels_out_leaves_no_row(loop):
    fill(loop, predictions())
    refresh_profiles(loop, actor="ana")
    stored = f"select subject, count(*) from {loop.table('profiles')} group by subject order by subject"
    before = dict(loop.lake.rows(stored))
    write(loop, f"update {loop.table('predictions')} set score = 0.5 where prediction_id < '00100'")
    assert refresh_profiles(loop, actor="ana").rows == 200
    after = dict(loop.lake.rows(stored))
    assert {name for name in after if after[name] != before[name]} == {"score"}
    assert check_profiles(loop) == []


def test_a_difference_is_told(loop):
    fill(loop, predictions())
    refresh_profiles(loop, actor="ana")
    write(loop, f"delete from {loop.table('profiles')} where day = $day and subject = 'price'", day=START.date())
    assert check_profiles(loop) == [f"The profiles of {START.date()} differ from its rows."]
    settle_profiles(loop, actor="ana")
    assert check_profiles(loop) == []


def test_a_reference_that_grew_by_late_rows_is_learned_again(loop):
    rows = predictions()
    fill(loop, rows)
    first = refresh_profiles(loop, actor="ana")
    late = rows.head(1_000).drop("chance").with_columns(prediction_id="late" + pl.col("prediction_id"), price=1.0)
    write(loop, f"insert into {loop.table('predictions')} by name from given_rows", late)
    again = refresh_profiles(loop, actor="ana")
    assert again.rebuilt
    assert again.binning != first.binning
    assert check_profiles(loop) == []


def test_no_predictions_and_a_reference_that_is_not_over(loop):
    assert refresh_profiles(loop, actor="ana").binning is None
    fill(loop, predictions().head(400))
    assert refresh_profiles(loop, actor="ana").binning is None
    assert profile_series(loop, START + timedelta(days=10)) != []


@pytest.mark.postgres
def test_refreshes_that_race_on_postgresql_count_once(database, tmp_path):
    race(world(tmp_path, database))


def test_refreshes_that_race_on_sqlite_count_once(tmp_path):
    race(world(tmp_path, None))


def race(loop: Loop) -> None:
    other = Workspace.open(loop.workspace.path).loop("orders")
    for seed in (1, 2):
        insert(loop, seed)
        barrier = threading.Barrier(3)
        failed: list[BaseException] = []

        def run(handle: Loop, barrier: threading.Barrier = barrier, failed: list[BaseException] = failed) -> None:
            barrier.wait()
            try:
                refresh_profiles(handle, actor="ana")
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(handle,)) for handle in (loop, loop, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert check_profiles(loop) == []
    holds(loop)
    other.workspace.close()
    loop.workspace.close()


def test_a_refresh_that_dies_before_its_commit_leaves_nothing_and_the_next_goes_on(loop, monkeypatch):
    fill(loop, predictions())
    refresh_profiles(loop, actor="ana")
    insert(loop, 5)

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    before = loop.lake.snapshot()
    with monkeypatch.context() as patched:
        patched.setattr(store, "_move", die)
        with pytest.raises(Died):
            refresh_profiles(loop, actor="ana")
    assert loop.lake.snapshot() == before
    assert refresh_profiles(loop, actor="ana").rows == 400
    assert check_profiles(loop) == []


def test_profiles_of_bins_that_were_learned_otherwise_are_counted_again_on_first_use(loop, monkeypatch):
    fill(loop, predictions())
    with monkeypatch.context() as before:
        before.setattr(plan, "DECADES", 0)
        old = refresh_profiles(loop, actor="ana")
    scores = drift_scores(loop, END, weeks=1)
    assert scores
    again = refresh_profiles(loop, actor="ana")
    assert (again.binning == old.binning, again.rebuilt) == (False, False)  # the look counted them
    assert check_profiles(loop) == []
