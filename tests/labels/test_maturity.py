from __future__ import annotations

import re
from datetime import datetime, timedelta

from loop_core.labels import known_at, mature_shares
from loop_core.windows import Windows
from loop_core.workspace import Loop
from tests.conftest import START

DAY = timedelta(days=1)
#: A value still bound by name; `$.` is a path within JSON.
PARAMETER = re.compile(r"\$\w")


def put(loop: Loop, predictions: dict[str, datetime], outcomes: list[tuple[str, int, datetime, str]]) -> None:
    def body(tx):  # type: ignore[no-untyped-def]
        for name, when in predictions.items():
            tx.execute(
                f"insert into {loop.table('predictions')} (prediction_id, predicted_at, state) values ($n, $w, 'SP')",
                {"n": name, "w": when},
            )
        for name, label, when, source in outcomes:
            tx.execute(
                f"insert into {loop.table('outcomes')} (prediction_id, label, observed_at, source) values ($n, $l, $w, $s)",
                {"n": name, "l": label, "w": when, "s": source},
            )

    loop.lake.write(body, actor="ana", message="test")


def rows(loop: Loop, as_of: datetime) -> dict[str, tuple[float | None, bool]]:
    return {
        name: (label, mature)
        for name, label, mature in known_at(loop, as_of).rows("select prediction_id, label, mature from rows")
    }


def test_a_label_is_known_from_its_instant_on(loop: Loop) -> None:
    put(loop, {"a": START}, [("a", 1, START + 10 * DAY, "observed")])
    assert rows(loop, START + 9 * DAY) == {"a": (None, False)}
    assert rows(loop, START + 10 * DAY) == {"a": (1.0, True)}


def test_the_future_is_not_there(loop: Loop) -> None:
    put(loop, {"a": START, "b": START + DAY}, [])
    assert set(rows(loop, START + DAY)) == {"a"}


def test_a_prediction_without_label_matures_at_the_horizon(loop: Loop) -> None:
    put(loop, {"a": START}, [])
    assert rows(loop, START + 59 * DAY) == {"a": (None, False)}
    assert rows(loop, START + 60 * DAY) == {"a": (None, True)}


def test_corrections_keep_history(loop: Loop) -> None:
    put(loop, {"a": START}, [("a", 1, START + 5 * DAY, "observed"), ("a", 0, START + 20 * DAY, "correction")])
    assert rows(loop, START + 6 * DAY)["a"][0] == 1
    assert rows(loop, START + 20 * DAY)["a"][0] == 0


def test_at_one_instant_a_correction_wins(loop: Loop) -> None:
    same = START + 5 * DAY
    put(loop, {"a": START}, [("a", 0, same, "correction"), ("a", 1, same, "observed")])
    assert rows(loop, same)["a"][0] == 0


def test_an_older_snapshot_answers_as_it_did(loop: Loop) -> None:
    put(loop, {"a": START}, [])
    before = loop.lake.snapshot()
    put(loop, {}, [("a", 1, START + DAY, "observed")])
    late = START + 2 * DAY
    assert known_at(loop, late, before).rows("select label from rows") == [(None,)]
    assert known_at(loop, late).rows("select label from rows") == [(1.0,)]


def test_cohorts_are_text_and_null_is_one(loop: Loop) -> None:
    put(loop, {"a": START}, [])
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('predictions')} (prediction_id, predicted_at) values ('b', $w)", {"w": START}
        ),
        actor="ana",
        message="test",
    )
    found = known_at(loop, START + DAY).rows("select prediction_id, cohort_state from rows order by all")
    assert found == [("a", "SP"), ("b", "(null)")]


def test_sql_text_runs_as_it_is(loop: Loop) -> None:
    put(loop, {"a": START}, [])
    text = known_at(loop, START + DAY).sql_text("select prediction_id from rows where state = $state", state="S'P")
    assert not PARAMETER.search(text)
    assert loop.lake.rows(text) == []
    assert loop.lake.rows(text.replace("S''P", "SP")) == [("a",)]


def test_leaving_out_the_past_changes_nothing_later(loop: Loop) -> None:
    put(
        loop,
        {"a": START, "b": START + 10 * DAY, "c": START + 11 * DAY},
        [
            ("a", 1, START + 12 * DAY, "observed"),
            ("b", 0, START + 13 * DAY, "observed"),
            ("b", 1, START + 14 * DAY, "correction"),
        ],
    )
    whole = rows(loop, START + 20 * DAY)
    recent = known_at(loop, START + 20 * DAY, since=START + 10 * DAY)
    found = {
        name: (label, mature) for name, label, mature in recent.rows("select prediction_id, label, mature from rows")
    }
    assert found == {name: whole[name] for name in ("b", "c")}
    assert recent.rows("select 1") == [(1,)]
    assert not PARAMETER.search(recent.sql_text("select * from rows"))


def test_mature_shares_are_those_of_the_rows(loop: Loop) -> None:
    # Every third has its label after 20 days: windows past the horizon of 60 days are mature without one.
    made = {f"p{i:03d}": START + i * DAY for i in range(100)}
    put(loop, made, [(name, 1, when + 20 * DAY, "observed") for name, when in list(made.items())[::3]])
    as_of = START + timedelta(days=100, hours=5)
    windows = Windows.at(as_of, 7)
    window = f"select {windows.sql('predicted_at')} as w, avg(mature::int) from rows where predicted_at >= $first group by w order by w"
    for first in (START, START + 30 * DAY, START + 70 * DAY):
        plain = known_at(loop, as_of).rows(window, first=first, **windows.parameters())
        assert mature_shares(loop, as_of, windows, first) == plain
        assert {0.0 < share < 1.0 for _, share in plain} >= {True}
