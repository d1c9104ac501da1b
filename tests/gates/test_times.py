"""Times no model was asked at: held back under a rule's name, whatever the column and the format, and never the end of the program."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from loop_core.charter import parse_charter
from loop_core.charter.contract import SINCE
from loop_core.clock import instant
from loop_core.errors import CharterError, SourceError
from loop_core.gates.quarantine import list_rows
from loop_core.gates.suggest import suggest_gates, with_suggestions
from loop_core.lake.extensions import connect
from loop_core.signals.draft import draft_charter
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, deliver, outcome, prediction, write_csv, write_jsonl

MADE_AT = '\n[[features]]\nname = "made_at"\ntype = "timestamp"\n'
#: Each as text, and the rule that holds it back as an event's time and as a feature; None: a feature may be it.
SPECIAL = {
    "infinity": ("range", "range"),
    "-infinity": ("range", "range"),
    "0044-03-15 (BC) 00:00:00+00": ("range", "range"),
    "-0044-03-15 00:00:00+00": ("range", "range"),
    "0000-01-01 00:00:00+00": ("range", "range"),
    "290000-01-01 00:00:00+00": ("range", "range"),
    "294247-01-10 04:00:54+00": ("range", "range"),
    "300000-01-01 00:00:00+00": ("type", "type"),
    "24-06-01 00:00:00+00": ("range", "range"),
    "0001-01-01 00:00:00+00": ("range", "range"),
    "9999-12-31 23:59:59.999999+00": ("range", "range"),
    "9999-12-31 23:59:59-14": ("range", "range"),
    "1970-01-01 00:00:00+00": ("too_old", None),
    "epoch": ("too_old", None),
    "1899-12-30T00:00:00Z": ("too_old", None),
    "2100-01-01T00:00:00Z": ("future", None),
}


@pytest.fixture
def dated(workspace: Workspace) -> Loop:
    """A loop with a timestamp among its features, whose times carry their zone."""
    return workspace.set_charter(CHARTER + MADE_AT, actor="ana", reason="", as_of=AS_OF)


@pytest.fixture
def local(workspace: Workspace) -> Loop:
    """The same, of times in a zone."""
    text = CHARTER.replace('clock = "data"', 'clock = "data"\ntimezone = "America/Sao_Paulo"') + MADE_AT
    return workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)


def _rules(loop: Loop, report: object) -> dict[str, int]:
    return {count.rule: count.rows for count in report.rules}  # type: ignore[attr-defined]


def _events(i: int, text: str) -> tuple[dict[str, object], str | None]:
    return prediction(i, predicted_at=text, made_at="2018-01-01T00:00:00Z"), SPECIAL[text][0]


def _features(i: int, text: str) -> tuple[dict[str, object], str | None]:
    return prediction(i, made_at=text), SPECIAL[text][1]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sqlite", "parquet"])
@pytest.mark.parametrize("column", ["predicted_at", "made_at"])
@pytest.mark.parametrize("zoned", [True, False], ids=["zoned", "local"])
def test_special_times_are_held_back_by_name(
    workspace: Workspace, tmp_path: Path, kind: str, column: str, zoned: bool, request: pytest.FixtureRequest
) -> None:
    loop: Loop = request.getfixturevalue("dated" if zoned else "local")
    special = [(_events if column == "predicted_at" else _features)(i, text) for i, text in enumerate(SPECIAL)]
    good = [prediction(100 + i, made_at="2018-01-01T00:00:00Z") for i in range(40)]
    source, sql = _written(tmp_path, kind, [*good, *(row for row, _ in special)])
    report = deliver(loop, Signal.PREDICTIONS, source, sql=sql)
    wanted: dict[str, int] = {}
    for _, rule in special:
        if rule is not None:
            wanted[f"{column}.{rule}"] = wanted.get(f"{column}.{rule}", 0) + 1
    assert _rules(loop, report) == wanted
    assert report.accepted == len(good) + sum(rule is None for _, rule in special)
    texts = {row.row["prediction_id"]: row.row[column] for row in list_rows(loop, limit=100)}
    assert texts["p0"] == "infinity"
    assert texts["p8"].startswith("24-06-01")


def _written(folder: Path, kind: str, rows: list[dict[str, object]]) -> tuple[str, str | None]:
    if kind == "csv":
        return str(write_csv(folder / "a.csv", rows)), None
    if kind == "jsonl":
        return str(write_jsonl(folder / "a.jsonl", rows)), None
    names = list(rows[0])
    if kind == "sqlite":
        with sqlite3.connect(folder / "a.sqlite") as database:
            database.execute(f"create table t ({', '.join(names)})")
            database.executemany(
                f"insert into t values ({', '.join('?' * len(names))})", [tuple(row[n] for n in names) for row in rows]
            )
        return f"sqlite:///{folder / 'a.sqlite'}", "select * from t"
    connection = connect()
    connection.execute(f"create table t ({', '.join(f'{n} varchar' for n in names)})")
    connection.executemany(
        f"insert into t values ({', '.join('?' * len(names))})", [[str(row[n]) for n in names] for row in rows]
    )
    connection.execute(f"copy t to '{folder / 'a.parquet'}'")
    return str(folder / "a.parquet"), None


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "timestamp_ns", "timestamp_ms", "date"])
@pytest.mark.parametrize(
    "text", ["infinity", "-infinity", "0044-03-15 (BC)", "290000-01-01", "0024-06-01", "9999-12-31", "1970-01-01"]
)
def test_parquet_of_any_type_of_time(local: Loop, tmp_path: Path, kind: str, text: str) -> None:
    path = tmp_path / "a.parquet"
    connection = connect()
    connection.execute("set timezone = 'UTC'")
    cells = [f"('p{i}', '2018-01-0{i + 1}'::timestamp::{kind}, 1.0, 1.0, 'SP')" for i in range(8)]
    odd = connection.execute(f"select try_cast('{text}' as {kind})").fetchall
    try:
        if odd()[0][0] is None:
            pytest.skip("the type cannot hold it")
    except (OverflowError, ValueError):
        pass
    rows = ", ".join([*cells, f"('odd', '{text}'::{kind}, 1.0, 1.0, 'SP')"])
    connection.execute(
        f"copy (select * from (values {rows}) t(prediction_id, predicted_at, price, weight, state)) to '{path}'"
    )
    report = deliver(local, Signal.PREDICTIONS, path)
    assert (report.accepted, report.quarantined) == (8, 1)
    assert set(_rules(local, report)) <= {"predicted_at.range", "predicted_at.too_old", "predicted_at.missing"}


@pytest.mark.parametrize("text", SPECIAL)
def test_outcomes_and_feedback_too(loop: Loop, tmp_path: Path, text: str) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(i) for i in range(3)]))
    told = deliver(
        loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", [outcome(0), outcome(1), outcome(2, observed_at=text)])
    )
    assert (told.accepted, _rules(loop, told)) == (2, {f"observed_at.{SPECIAL[text][0]}": 1})
    voices = [{"feedback_id": f"f{i}", "given_at": "2018-02-01T00:00:00Z", "rating": 3} for i in range(2)]
    said = deliver(
        loop,
        Signal.FEEDBACK,
        write_csv(tmp_path / "f.csv", [*voices, {"feedback_id": "g", "given_at": text, "rating": 1}]),
    )
    assert (said.accepted, _rules(loop, said)) == (2, {f"given_at.{SPECIAL[text][0]}": 1})


def test_a_charter_says_since_when(workspace: Workspace, tmp_path: Path) -> None:
    loop = workspace.set_charter(f"{CHARTER}\n[gates]\nsince = 2018-01-10\n", actor="ana", reason="", as_of=AS_OF)
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(i) for i in range(28)]))
    assert _rules(loop, report) == {"predicted_at.too_old": 9}
    assert parse_charter(CHARTER).gates.since == SINCE == date(1990, 1, 1)
    with pytest.raises(CharterError, match="1971-01-01"):
        parse_charter(f"{CHARTER}\n[gates]\nsince = 1970-01-01\n")


def test_drafts_and_suggestions_say_since_when(workspace: Workspace, tmp_path: Path) -> None:
    rows = [prediction(i, predicted_at=f"2018-01-{i % 28 + 1:02d}T00:00:00Z") for i in range(400)]
    odd = [prediction(900, predicted_at="2009-01-01T00:00:00Z"), prediction(901, predicted_at="-infinity")]
    path = write_csv(tmp_path / "rows.csv", [*rows, *odd])
    drafted = parse_charter(draft_charter(path, name="orders"))
    assert drafted.gates.since == date(2017, 1, 1)
    loop = workspace.set_charter(CHARTER, actor="ana", reason="", as_of=AS_OF)
    assert deliver(loop, Signal.PREDICTIONS, path).accepted == 401
    found = suggest_gates(loop, AS_OF)
    text = with_suggestions(CHARTER, found)
    assert parse_charter(text).gates.since == parse_charter(CHARTER + found.toml).gates.since == date(2017, 1, 1)
    declared = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    assert not any(rule.key == "since" for rule in suggest_gates(declared, AS_OF).rules)


@pytest.mark.parametrize("text", ["0001-01-01", "1970-01-01", "9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_nobody_looks_from_such_a_day(text: str) -> None:
    with pytest.raises(SourceError, match="1971 to 2261"):
        instant(text)
