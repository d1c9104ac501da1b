"""Exactly once, every row accounted for, and nothing of a bad source in the lake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.charter import BatchRules
from loop_core.errors import RefusedError, SourceError, StorageError
from loop_core.gates import ingest, repair
from loop_core.gates.batch_rules import BatchFacts, breaches
from loop_core.gates.quarantine import list_rows
from loop_core.gates.staging import staging_folder
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, HEADER, contents, deliver, outcome, prediction, write_csv, write_jsonl


def _rules(report: object) -> dict[str, int]:
    return {count.rule: count.rows for count in report.rules}  # type: ignore[attr-defined]


def test_same_file_twice_changes_nothing(loop: Loop, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [prediction(i) for i in range(30)])
    first = deliver(loop, Signal.PREDICTIONS, path)
    before, entries = contents(loop, "predictions"), loop.ledger.length()
    renamed = path.rename(tmp_path / "b.csv")
    second = deliver(loop, Signal.PREDICTIONS, renamed)
    assert (first.state, first.accepted) == ("ingested", 30)
    assert (second.state, second.accepted, second.unchanged) == ("already_ingested", 0, 30)
    assert second.batch_id == first.batch_id
    assert contents(loop, "predictions") == before
    assert loop.ledger.length() == entries
    assert len(contents(loop, "batches")) == 1


def test_known_rows_are_unchanged_and_changed_rows_conflict(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", [prediction(i) for i in range(5)]))
    rows = [prediction(1), prediction(2, price=99), prediction(7)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", rows))
    assert (report.accepted, report.unchanged, report.conflicting) == (1, 1, 1)
    assert "p2" in report.notes[0]
    assert loop.lake.rows(f"select price from {loop.table('predictions')} where prediction_id = 'p2'") == [(3.0,)]


def test_charter_may_let_newer_content_replace_older(workspace: Workspace, tmp_path: Path) -> None:
    loop = workspace.set_charter(
        f'{CHARTER}\n[contract.predictions]\non_conflict = "update"\n', actor="ana", reason="", as_of=AS_OF
    )
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", [prediction(i) for i in range(3)]))
    report = deliver(
        loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", [prediction(1, price=99), prediction(2), prediction(5)])
    )
    assert (report.accepted, report.unchanged, report.conflicting) == (2, 1, 0)
    assert dict(loop.lake.rows(f"select prediction_id, price from {loop.table('predictions')}")) == {
        "p0": 0.0,
        "p1": 99.0,
        "p2": 3.0,
        "p5": 7.5,
    }


def test_what_serving_filled_in_is_no_conflict(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", [prediction(1, score="")]))
    table = loop.table("predictions")
    loop.lake.write(
        lambda tx: tx.execute(f"update {table} set score = .5, route = 'champion', model_version = 'm1'"),
        actor="s",
        message="",
    )
    report = deliver(
        loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", [prediction(1, score=""), prediction(2, score="")])
    )
    assert (report.accepted, report.unchanged, report.conflicting) == (1, 1, 0)


def test_corrections_keep_the_history_of_a_label(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(1)]))
    deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", [outcome(1, label=0)]))
    later = outcome(1, label=1, observed_at="2018-02-20T00:00:00Z", source="correction")
    report = deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "c.csv", [later]))
    contradiction = deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "d.csv", [outcome(1, label=1)]))
    assert report.accepted == 1
    assert contradiction.conflicting == 1
    assert loop.lake.rows(f"select label, source from {loop.table('outcomes')} order by observed_at") == [
        (0.0, "observed"),
        (1.0, "correction"),
    ]


def test_bad_predictions_are_quarantined_under_their_rules(loop: Loop, tmp_path: Path) -> None:
    broken: list[tuple[dict[str, object], str]] = [
        ({"price": "abc"}, "price.type"),
        ({"price": -1}, "price.min"),
        ({"price": "inf"}, "price.finite"),
        ({"state": "XX"}, "state.values"),
        ({"prediction_id": ""}, "prediction_id.missing"),
        ({"predicted_at": ""}, "predicted_at.missing"),
        ({"predicted_at": "soon"}, "predicted_at.type"),
        ({"predicted_at": "2018-03-02T00:00:00Z"}, "predicted_at.future"),
        ({"score": 1.5}, "score.max"),
        ({"score": -0.5}, "score.min"),
        ({"route": "sideways"}, "route.values"),
        ({"latency_ms": -3}, "latency_ms.min"),
    ]
    rows = [prediction(0), *(prediction(i) | change for i, (change, _) in enumerate(broken, 1))]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert (report.accepted, report.quarantined) == (1, len(broken))
    assert _rules(report) == {rule: 1 for _, rule in broken}
    assert _quarantined_rules(loop) == [[rule] for _, rule in broken]


def test_bad_outcomes_are_quarantined_under_their_rules(loop: Loop, tmp_path: Path) -> None:
    broken: list[tuple[dict[str, object], str]] = [
        ({"label": 2}, "label.zero_or_one"),
        ({"label": ""}, "label.missing"),
        ({"prediction_id": "nobody"}, "prediction_id.unknown"),
        ({"observed_at": "2017-12-31T00:00:00Z"}, "observed_at.before_prediction"),
        ({"observed_at": "2018-03-02T00:00:00Z"}, "observed_at.future"),
        ({"source": "hearsay"}, "source.values"),
    ]
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(i) for i in range(7)]))
    rows = [outcome(0), *(outcome(i) | change for i, (change, _) in enumerate(broken, 1))]
    report = deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", rows))
    assert (report.accepted, _rules(report)) == (1, {rule: 1 for _, rule in broken})
    assert _quarantined_rules(loop) == [[rule] for _, rule in broken]


def _quarantined_rules(loop: Loop) -> list[list[str]]:
    """Rules of each quarantined row, in the order of the file."""
    order = "split_part(quarantine_id, '-', 2)::int"
    return [row[0] for row in loop.lake.rows(f"select rules from {loop.table('quarantine')} order by {order}")]


def test_feedback_may_be_about_no_prediction_but_not_about_an_unknown_one(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(1)]))
    rows = [
        {
            "feedback_id": "f1",
            "prediction_id": "p1",
            "given_at": "2018-02-01T00:00:00Z",
            "rating": 4,
            "comment": "chegou, bem",
        },
        {"feedback_id": "f2", "prediction_id": None, "given_at": "2018-02-01T00:00:00Z", "rating": 1},
        {"feedback_id": "f3", "prediction_id": "nobody", "given_at": "2018-02-01T00:00:00Z", "rating": 1},
    ]
    report = deliver(loop, Signal.FEEDBACK, write_jsonl(tmp_path / "f.jsonl", rows))
    assert (report.accepted, _rules(report)) == (2, {"prediction_id.unknown": 1})
    assert loop.lake.rows(f"select feedback_id, kind, rating from {loop.table('feedback')} order by 1") == [
        ("f1", "comment", 4.0),
        ("f2", "comment", 1.0),
    ]


def test_an_id_twice_in_one_batch(loop: Loop, tmp_path: Path) -> None:
    rows = [prediction(1), prediction(1), prediction(2), prediction(2, price=77), prediction(3)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert (report.accepted, report.unchanged, report.quarantined) == (2, 1, 2)
    assert _rules(report) == {"prediction_id.duplicate": 2}


def test_lines_that_are_no_records_are_quarantined(loop: Loop, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER}\np1,2018-01-01T00:00:00Z,1,1,SP\np2,2018\np3,2018-01-01T00:00:00Z,1,1,SP,extra\n")
    report = deliver(loop, Signal.PREDICTIONS, path)
    assert (report.received, report.accepted, _rules(report)) == (3, 1, {"row.columns": 2})


def test_charter_rules_and_not_null_columns(workspace: Workspace, tmp_path: Path) -> None:
    text = CHARTER.replace('name = "weight"', 'name = "weight"\nnullable = false').replace(
        "[[cohorts]]",
        '[[rules]]\nname = "light_is_cheap"\nsignal = "predictions"\ncheck = "weight > 5 or price < 50"\n[[cohorts]]',
    )
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    rows = [prediction(1), prediction(2, price=60), prediction(3, weight=None), prediction(4, price=None)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert (report.accepted, _rules(report)) == (2, {"light_is_cheap": 1, "weight.missing": 1})


def test_a_batch_that_breaks_batch_rules_is_stopped_and_recorded(workspace: Workspace, tmp_path: Path) -> None:
    gates = "\n[gates.predictions]\nmin_rows = 100\nmax_age_days = 3\nmax_duplicate_share = 0.01\nmax_quarantine_share = 0.01\n"
    sentences = (
        "volume: 30 rows, at least 100",
        "freshness: the newest row is",
        "duplicates: 3.3%",
        "quarantine: 3.3%",
    )
    loop = workspace.set_charter(CHARTER + gates, actor="ana", reason="", as_of=AS_OF)
    path = write_csv(tmp_path / "a.csv", [*(prediction(i) for i in range(28)), prediction(1), prediction(40, price=-1)])
    report = deliver(loop, Signal.PREDICTIONS, path)
    assert (report.state, report.accepted, report.quarantined, report.refused) == ("stopped", 0, 0, 30)
    assert all(note.startswith(wanted) for note, wanted in zip(report.notes, sentences, strict=True))
    assert contents(loop, "predictions") == list_rows(loop) == []
    shown = list_rows(loop, batch=report.batch_id[:8])
    assert (len(shown), {row.state for row in shown}) == (30, {"stopped"}), "its rows can be looked at"
    assert [row.row["prediction_id"] for row in shown if "price.min" in row.rules] == ["p40"]
    assert loop.entries("batch.ingested")[-1].payload["state"] == "stopped"
    warn = f'{CHARTER}{gates}on_breach = "warn"\n'
    lenient = workspace.set_charter(warn, actor="ana", reason="", as_of=AS_OF)
    again = deliver(lenient, Signal.PREDICTIONS, path)
    assert list_rows(loop, state="stopped") == []
    assert (again.state, again.accepted, again.quarantined, again.unchanged) == ("ingested", 28, 1, 1)
    assert again.notes[: len(sentences)] == report.notes[: len(sentences)]
    assert [row[0] for row in loop.lake.rows(f"select state from {loop.table('batches')}")] == ["ingested"]


@pytest.mark.parametrize(
    ("rules", "facts", "sentence"),
    [
        (BatchRules(max_rows=10), BatchFacts(30, 0, 0, None, AS_OF), "volume: 30 rows, at most 10 wanted"),
        (BatchRules(min_rows=31), BatchFacts(30, 0, 0, None, AS_OF), "volume: 30 rows, at least 31 wanted"),
        (BatchRules(max_duplicate_share=0.1), BatchFacts(30, 0, 4, None, AS_OF), "duplicates: 13.3%"),
        (BatchRules(max_quarantine_share=0.1), BatchFacts(30, 4, 0, None, AS_OF), "quarantine: 13.3%"),
        (BatchRules(max_age_days=3), BatchFacts(30, 0, 0, AS_OF - timedelta(days=4), AS_OF), "freshness: the newest"),
    ],
)
def test_each_batch_rule_alone(rules: BatchRules, facts: BatchFacts, sentence: str) -> None:
    (found,) = breaches(rules, facts)
    assert found.startswith(sentence)


def test_times_without_zone_are_refused_or_read_in_the_loops_zone(
    workspace: Workspace, loop: Loop, tmp_path: Path
) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        [prediction(1, predicted_at="2018-01-05 10:00:00"), prediction(2, predicted_at="2018-01-05")],
    )
    with pytest.raises(SourceError, match=r"carries no zone.*timezone ="):
        deliver(loop, Signal.PREDICTIONS, path)
    assert contents(loop, "predictions") == contents(loop, "batches") == []
    text = CHARTER.replace('clock = "data"', 'clock = "data"\ntimezone = "America/Sao_Paulo"')
    local = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    assert deliver(local, Signal.PREDICTIONS, path).accepted == 2
    times = local.lake.rows(f"select predicted_at from {loop.table('predictions')} order by prediction_id")
    assert [t[0] for t in times] == [datetime(2018, 1, 5, 12, tzinfo=UTC), datetime(2018, 1, 5, 2, tzinfo=UTC)]


def test_parquet_times_without_zone(workspace: Workspace, loop: Loop, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "prediction_id": ["a"],
            "predicted_at": [datetime(2018, 1, 5, 10, tzinfo=UTC).replace(tzinfo=None)],
            "price": [float("nan")],
            "state": ["SP"],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="in row 1 carries no zone"):
        deliver(loop, Signal.PREDICTIONS, tmp_path / "a.parquet")
    local = workspace.set_charter(
        CHARTER.replace("[roles]", 'timezone = "UTC"\n[roles]'), actor="ana", reason="", as_of=AS_OF
    )
    report = deliver(local, Signal.PREDICTIONS, tmp_path / "a.parquet")
    assert report.notes == ("not delivered, so null: weight",)
    assert local.lake.rows(f"select predicted_at, price, route from {loop.table('predictions')}") == [
        (datetime(2018, 1, 5, 10, tzinfo=UTC), None, "history")
    ]


def test_names_are_mapped_and_unknown_ones_refused(workspace: Workspace, loop: Loop, tmp_path: Path) -> None:
    rows = [{"order_id": "a", "at": "2018-01-01T00:00:00Z", "price": 1, "weigth": 2, "note": "x"}]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(SourceError, match="no column 'prediction_id', 'predicted_at'; it has 'order_id'"):
        deliver(loop, Signal.PREDICTIONS, path)
    mapping = '[contract.predictions]\ncolumns = { prediction_id = "order_id", predicted_at = "at" }\n'
    mapped = workspace.set_charter(f"{CHARTER}\n{mapping}", actor="ana", reason="", as_of=AS_OF)
    with pytest.raises(SourceError, match="does not know the column 'weigth', 'note' \\(weigth is perhaps weight\\)"):
        deliver(mapped, Signal.PREDICTIONS, path)
    ignoring = workspace.set_charter(
        f'{CHARTER}\n{mapping}ignore = ["weigth", "note"]\n', actor="ana", reason="", as_of=AS_OF
    )
    assert deliver(ignoring, Signal.PREDICTIONS, path).accepted == 1


def test_progress_ends_at_one_with_the_report(loop: Loop, tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []
    source = read_source(str(write_csv(tmp_path / "a.csv", [prediction(i) for i in range(30)])))
    report = ingest(
        loop,
        Signal.PREDICTIONS,
        source,
        actor="ana",
        as_of=AS_OF,
        progress=lambda share, text: seen.append((share, text)),
    )
    assert [share for share, _ in seen] == sorted(share for share, _ in seen)
    assert seen[-1] == (1.0, report.sentence)


def test_as_of_needs_a_zone(loop: Loop, tmp_path: Path) -> None:
    source = read_source(str(write_csv(tmp_path / "a.csv", [prediction(1)])))
    with pytest.raises(RefusedError, match="no zone"):
        ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=AS_OF.replace(tzinfo=None))


def test_repair_appends_what_a_kill_left_out_and_clears_staging(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", [prediction(i) for i in range(3)])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("loop_core.gates.commit.record", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(loop, Signal.PREDICTIONS, path)
    import socket

    left = loop.workspace.staging / f"{socket.gethostname()}-999999999-abcd"
    left.mkdir()
    assert loop.entries("batch.ingested") == []
    repair(loop)
    repair(loop)
    assert [entry.payload["accepted"] for entry in loop.entries("batch.ingested")] == [3]
    assert not list(loop.workspace.staging.iterdir())
    assert deliver(loop, Signal.PREDICTIONS, path).state == "already_ingested"


def test_staging_without_room_says_so_and_leaves_nothing(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", [prediction(1)])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StorageError, match=r"No space left.*free some space"):
        deliver(loop, Signal.PREDICTIONS, path)
    assert contents(loop, "predictions") == []
    assert not list(loop.workspace.staging.iterdir())


def test_staging_where_nothing_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"), staging_folder(tmp_path / "file"):
        pass


def test_files_large_enough_for_a_connection_of_their_own(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loop_core.gates.commit._LARGE", 1)
    monkeypatch.setattr("loop_core.gates.judging._PART_ROWS", 10)
    rows = [prediction(i) for i in range(40)]
    assert deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows)).accepted == 40
    more = [prediction(3), prediction(4, price=0.25), prediction(50), prediction(50)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", more))
    assert (report.accepted, report.unchanged, report.conflicting) == (1, 2, 1)


def test_arrival_decides_what_is_future(loop: Loop, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [prediction(27)])
    report = deliver(loop, Signal.PREDICTIONS, path, as_of=datetime(2018, 1, 28, tzinfo=UTC) - timedelta(seconds=1))
    assert _rules(report) == {"predicted_at.future": 1}
