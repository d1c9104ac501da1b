"""Whatever happens to the rows, and whenever one looks: what is stored and what the rows say is the same."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.doctor import maintain
from loop_core.monitor import performance
from loop_core.monitor.performance import PerformancePoint, cohort_performance
from loop_core.monitor.settled import Asked, recount_measures, refresh_measures, settle_measures, store
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.monitor.world import fill, outcomes, predictions

#: A third of the world: what is tried does not depend on how many windows there are.
SPAN = 70
END = START + timedelta(days=SPAN)
MORE = (
    '\n[[cohorts]]\nname = "size"\nexpression = "round(price / 60)::int"\nmax_values = 3\n'
    '[[metrics]]\nname = "auc"\nmargin = 0.01\n[[metrics]]\nname = "brier"\nmargin = 0.01\n'
)
#: The cohort of many values is wide too, so that both ways to put values together are walked.
COHORTS = (None, "state", "size")


def charter() -> str:
    return CHARTER.replace("horizon_days = 60", "horizon_days = 20").replace("min_rows = 50", "min_rows = 20") + MORE


def world(loop: Loop) -> Loop:
    rows = predictions().filter(pl.col("predicted_at") < END).sample(1200, seed=1).sort("predicted_at")
    rows = rows.with_columns(entity_id="e" + (pl.col("prediction_id").hash() % 700).cast(pl.String))
    labels = outcomes(rows, late_days=12, on_time_days=6).filter(pl.col("prediction_id").hash() % 50 != 0)
    loop = loop.workspace.set_charter(charter(), actor="ana", reason="more", as_of=START)
    return fill(loop, rows, labels)


def write(loop: Loop, sql: str, **given: object) -> None:
    loop.lake.write(lambda tx: tx.execute(sql, given), actor="ana", message="test")


def correct(loop: Loop, seed: int) -> None:
    """Statements of another label, known some time after the first one, or late."""
    write(
        loop,
        f"""insert into {loop.table("outcomes")} by name select prediction_id, 1 - label as label, 'correction' as source,
        observed_at + to_days($k::integer) as observed_at from {loop.table("outcomes")} where hash(prediction_id) % 97 = $k""",
        k=seed % 97,
    )


def take_back(loop: Loop, seed: int) -> None:
    write(loop, f"delete from {loop.table('outcomes')} where hash(prediction_id) % 61 = $k", k=seed % 61)


def delete(loop: Loop, seed: int) -> None:
    write(loop, f"delete from {loop.table('predictions')} where hash(prediction_id) % 53 = $k", k=seed % 53)


def serve(loop: Loop, seed: int) -> None:
    """Another model answers, as in a replay."""
    write(
        loop,
        f"""merge into {loop.table("predictions")} as p using (select prediction_id from {loop.table("predictions")}
        where hash(prediction_id) % 31 = $k) as s on p.prediction_id = s.prediction_id
        when matched then update set score = 0.3, model_version = 'new'""",
        k=seed % 31,
    )


def move(loop: Loop, seed: int) -> None:
    """Predictions and what is known of them: gates let no outcome in that is known before its prediction."""
    for table, instant in (("predictions", "predicted_at"), ("outcomes", "observed_at")):
        sql = (
            f"update {loop.table(table)} set {instant} = {instant} + interval 9 day where hash(prediction_id) % 41 = $k"
        )
        write(loop, sql, k=seed % 41)


def arrive(loop: Loop, seed: int) -> None:
    """Late rows, some of them older than any."""
    rows = predictions(seed).filter(pl.col("predicted_at") < END).sample(60, seed=seed).with_columns(
        prediction_id=f"{seed}-" + pl.col("prediction_id"), predicted_at=pl.col("predicted_at") - pl.duration(days=seed % 40),
        model_version=pl.lit("old"),
    )  # fmt: skip
    labels = outcomes(rows, seed=seed, late_days=30)

    def body(tx):
        for name, frame in (("predictions", rows.drop("chance")), ("outcomes", labels)):
            tx.register("given_rows", frame)
            tx.execute(f"insert into {loop.table(name)} by name from given_rows")

    loop.lake.write(body, actor="ana", message="test")


def settle(loop: Loop, seed: int) -> None:
    settle_measures(loop)


def keep_house(loop: Loop, seed: int) -> None:
    maintain(loop.workspace, keep_days=0, wall=datetime.now(tz=START.tzinfo) + timedelta(days=1))


STEPS = (correct, take_back, delete, serve, move, arrive, settle, keep_house)


def read(loop: Loop, as_of: datetime, cohorts: tuple[str | None, ...] = COHORTS) -> list[PerformancePoint]:
    found = [p for c in cohorts for p in performance(loop, as_of, cohort=c, weeks=9 if c else None, trend=True)]
    return [*found, *(cohort_performance(loop, as_of, metric="brier", weeks=6) if len(cohorts) > 1 else ())]


def from_rows(loop: Loop, as_of: datetime, cohorts: tuple[str | None, ...] = COHORTS) -> list[PerformancePoint]:
    with pytest.MonkeyPatch.context() as patch, loop.lake.one_snapshot():
        patch.setattr(Asked, "storable", property(lambda self: False))
        return read(loop, as_of, cohorts)


def assert_same(one: list[PerformancePoint], other: list[PerformancePoint]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        mine, its = vars(a), vars(b)
        floats = {name for name, value in mine.items() if isinstance(value, float)}
        assert {k: v for k, v in mine.items() if k not in floats} == {k: v for k, v in its.items() if k not in floats}
        assert {k: mine[k] for k in floats} == pytest.approx({k: its[k] for k in floats}, rel=1e-7, abs=1e-9)


def look(loop: Loop, days: float) -> datetime:
    return START + timedelta(days=days)


@pytest.fixture
def some(loop: Loop) -> Loop:
    return world(loop)


@pytest.fixture(scope="module")
def measured(templates, tmp_path_factory):
    """A folder with `world` and its stored measures, made once; each example gets a copy."""
    import shutil

    folder = tmp_path_factory.mktemp("measured") / "w"
    shutil.copytree(templates / "loop", folder)
    with Workspace.open(folder) as workspace:
        refresh_measures(world(workspace.loop("orders")), look(workspace.loop("orders"), 120))
    return folder


@settings(max_examples=40 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 3)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.integers(1, 10_000),
            st.sampled_from((35, 49, 56, 59.4, 75, 82, 120)),
            # Some cohorts are looked at before others.
            st.sampled_from((*((cohort,) for cohort in COHORTS), COHORTS)),
        ),
        min_size=2,
        max_size=3,
    )
)
def test_the_store_says_what_the_rows_say(steps, measured, tmp_path_factory):
    import shutil

    folder = tmp_path_factory.mktemp("w") / "w"
    shutil.copytree(measured, folder)
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        for step, seed, days, cohorts in steps:
            step(loop, seed)
            as_of = look(loop, days)
            assert_same(read(loop, as_of, cohorts), from_rows(loop, as_of, cohorts))
        late = look(loop, 160)
        refresh_measures(loop, late)
        assert_same(read(loop, late), from_rows(loop, late))
        checked = recount_measures(loop)
        assert checked is not None
        assert checked.differences == ()


def test_a_settled_window_is_never_read_twice(some, monkeypatch):
    as_of = END + timedelta(days=70)
    before = read(some, as_of)
    monkeypatch.setattr("loop_core.monitor.settled.reading.read_rows", lambda *_: pytest.fail("rows were read"))
    monkeypatch.setattr("loop_core.monitor.settled.others.put_together", lambda *_: None)
    points = performance(some, as_of, cohort="state", weeks=9, trend=True)
    assert points == [p for p in before if p in points]


def test_a_correction_makes_its_windows_be_read_again_and_no_others(some):
    as_of = END + timedelta(days=70)
    before = performance(some, as_of, weeks=20)
    first = before[6]
    sql = f"""insert into {some.table("outcomes")} by name select prediction_id, 1 - label as label, 'correction' as source,
        observed_at + interval 1 day as observed_at from {some.table("outcomes")} join {some.table("predictions")} using (prediction_id)
        where predicted_at >= $start and predicted_at < $end"""
    write(some, sql, start=first.window_start, end=first.window_end)
    seen = {}
    for entry in store.read_entries(some, [7], START.date(), 1):
        seen[entry.cohort, entry.first_day] = entry.seen
    after = performance(some, as_of, weeks=20)
    changed = {a.window_start for a, b in zip(before, after, strict=True) if a.value != b.value}
    assert changed == {first.window_start}
    again = {e.first_day for e in store.read_entries(some, [7], START.date(), 1) if e.seen > max(seen.values())}
    assert again == {first.window_start.date()}


def test_the_doctor_finds_a_wrong_number_and_maintenance_throws_it_away(some):
    as_of = END + timedelta(days=70)
    before = performance(some, as_of)
    write(some, f"update {some.table('measures')} set value = [0.1, 0.9, 0.1] where predictions > 0 and cohort is null")
    found = recount_measures(some)
    assert found is not None
    assert found.differences
    assert "differ from its rows" in found.differences[0]
    maintain(some.workspace, keep_days=30, wall=as_of)
    assert recount_measures(some).differences == ()
    assert_same(performance(some, as_of), before)


def test_another_charter_has_other_windows(some):
    as_of = END + timedelta(days=70)
    performance(some, as_of)
    text = charter().replace("horizon_days = 20", "horizon_days = 90")
    changed = some.workspace.set_charter(text, actor="ana", reason="longer", as_of=as_of)
    assert_same(read(changed, as_of), from_rows(changed, as_of))
    assert_same(read(some, as_of), from_rows(some, as_of))


def test_a_lake_that_cannot_be_written_is_read_all_the_same(some, monkeypatch):
    from loop_core.errors import StorageError

    def refuse(*_, **__):
        raise StorageError("read-only", "a folder", "change it")

    expected = from_rows(some, END)
    monkeypatch.setattr(type(some.lake), "write", refuse)
    assert_same(read(some, END), expected)
