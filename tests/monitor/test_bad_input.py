"""What the issue calls bad input, case by case: each has a stated outcome, and none is an exception on a page.

The webhook that is down for an hour is in tests/alerts/test_delivery.py, each measure of drift on odd columns in
tests/monitor/drift/.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.alerts import deliver as send_messages
from loop_core.cycle import run_cycle
from loop_core.errors import CharterError, NotReadyError, SourceError
from loop_core.labels import known_at
from loop_core.monitor import (
    METHODS,
    DriftScore,
    Finding,
    drift_scores,
    findings_at,
    monitor,
    performance,
    record_findings,
    service_health,
    standing_since,
)
from loop_core.monitor.drift import domain_classifier, exact_drift
from loop_core.monitor.drift.distribution import feature_distribution
from loop_core.vocabulary import Signal, State
from loop_core.workspace import Loop, Workspace
from tests.alerts.receivers import webhook
from tests.alerts.test_delivery import channels, only, raised
from tests.conftest import CHARTER, START
from tests.monitor import world
from tests.signals.deliveries import AS_OF, deliver, outcome, prediction, write_csv

END = START + timedelta(days=180)
WEEK = timedelta(days=7)
NEWEST = pl.col("predicted_at") >= END - WEEK


def _newest(column: str, value: object) -> pl.Expr:
    """The column, with another value in the newest window."""
    expression = value if isinstance(value, pl.Expr) else pl.lit(value)
    return pl.when(NEWEST).then(expression).otherwise(pl.col(column))


NUMBERED = pl.int_range(pl.len()).cast(pl.String)
#: Column → what was done to it, and the state of its drift in the newest window.
COLUMNS: dict[str, tuple[pl.Expr, str]] = {
    "untouched": (pl.col("weight"), "ok"),
    "became_constant": (_newest("weight", 0.5), "alarm"),
    "always_constant": (pl.lit(0.5), "ok"),
    "became_null": (_newest("weight", None), "alarm"),  # a dropped column is one
    "always_null": (pl.lit(None, pl.Float64), "ok"),
    "new": (pl.when(NEWEST).then("weight"), "not_applicable"),
    "infinite": (_newest("weight", math.inf), "alarm"),
    "huge": (_newest("weight", 1e308), "alarm"),
    "no_number": (_newest("weight", math.nan), "alarm"),
    "text_untouched": (pl.col("state"), "ok"),
    "text_as_many_as_rows": (_newest("state", NUMBERED), "alarm"),
    "text_always_as_many": (NUMBERED, "ok"),
    "text_became_null": (_newest("state", None), "alarm"),
}
#: Rows that the newest window lost → state of the drift of weight and state, and of the volume.
ROWS: dict[str, tuple[pl.Expr, tuple[str, str, str]]] = {
    "empty window": (pl.lit(True), ("too_few", "too_few", "alarm")),
    "one row": (pl.col("prediction_id") != "07196", ("too_few", "too_few", "alarm")),
    "a cohort disappears": (pl.col("state") == "BA", ("ok", "alarm", "ok")),
}


def _rows() -> pl.DataFrame:
    """Seventy predictions a week."""
    return world.predictions().gather_every(4)


@pytest.fixture(scope="module")
def columns(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A loop with every odd column."""
    kinds = {name: "category" if name.startswith("text") else "number" for name in COLUMNS}
    declared = "".join(f'[[features]]\nname = "{name}"\ntype = "{kind}"\n' for name, kind in kinds.items())
    rows = _rows().with_columns(**{name: expression for name, (expression, _) in COLUMNS.items()})
    shutil.copytree(templates / "empty", tmp_path_factory.mktemp("odd") / "w")
    with Workspace.open(tmp_path_factory.getbasetemp() / "odd0" / "w") as workspace:
        loop = workspace.set_charter(f"{CHARTER}\n{declared}", actor="ana", reason="", as_of=START)
        yield world.fill(loop, rows, world.outcomes(rows))


def test_every_odd_column_has_a_finding(columns: Loop) -> None:
    findings = monitor(columns, END)
    record_findings(columns, END, findings, actor="ana")
    assert len(findings_at(columns, END)) == len(findings)
    states = {f.subject: f.state.value for f in findings if f.code == "drift.feature"}
    assert {name: states[name] for name in COLUMNS} == {name: state for name, (_, state) in COLUMNS.items()}
    assert all(finding.sentence for finding in findings)


@pytest.mark.parametrize("method", METHODS)
def test_every_measure_tells_or_says_why_not(columns: Loop, method: str) -> None:
    scores = drift_scores(columns, END, weeks=1, method=method)
    assert _complete(scores)
    assert {s.feature for s in scores} >= set(COLUMNS)


def test_every_odd_column_can_be_looked_at(columns: Loop) -> None:
    assert _complete(drift_scores(columns, END, weeks=1, cohort="state"))
    for name in COLUMNS:
        assert feature_distribution(columns, END, feature=name, window_start=END - WEEK, window_end=END)
    for name in ("infinite", "huge", "new", "text_as_many_as_rows"):
        assert _complete(exact_drift(columns, END, feature=name, window_start=END - WEEK, window_end=END))
    told = domain_classifier(columns, END, window_start=END - WEEK, window_end=END)
    assert 0.9 < told.auc <= 1


@pytest.mark.parametrize("case", ROWS)
def test_every_odd_window_has_an_outcome(loop: Loop, case: str) -> None:
    rows = _rows().filter(~(NEWEST & ROWS[case][0]))
    world.fill(loop, rows, world.outcomes(rows))
    assert _states(monitor(loop, END)) == ROWS[case][1]
    for look in (performance, service_health):
        look(loop, END)
        look(loop, END, cohort="state")
    assert _complete(drift_scores(loop, END, weeks=1, cohort="state"))
    for feature in ("weight", "state", "score"):
        feature_distribution(loop, END, feature=feature, window_start=END - WEEK, window_end=END)
    assert _complete(exact_drift(loop, END, feature="weight", window_start=END - WEEK, window_end=END))
    domain_classifier(loop, END, window_start=END - WEEK, window_end=END)


def test_a_cohort_that_disappeared_is_said_to_have_no_row(loop: Loop) -> None:
    world.fill(loop, world.predictions().filter(~(NEWEST & (pl.col("state") == "BA"))))
    gone = [s for s in drift_scores(loop, END, weeks=1, cohort="state") if s.cohort_value == "BA"]
    assert gone
    assert {(s.state, s.n_current) for s in gone} == {(State.TOO_FEW, 0)}
    assert all("No row of BA" in s.reason for s in gone)


def test_100_000_categories_are_judged(loop: Loop) -> None:
    rows = world.predictions()
    many = pl.concat(
        rows.with_columns(
            pl.concat_str("prediction_id", pl.lit(f"-{i}")).alias("prediction_id"),
            pl.concat_str("prediction_id", pl.lit(f"/{i}")).alias("state"),
        )
        for i in range(13)
    )
    assert many["state"].n_unique() > 100_000
    world.fill(loop, many)
    (score,) = [s for s in drift_scores(loop, END, weeks=1) if s.feature == "state"]
    assert score.state is State.OK  # every row has a new one, as ever
    assert len(drift_scores(loop, END, weeks=1, cohort="state")) < 10_000


@pytest.mark.parametrize("days", [1, 3])
def test_a_reference_shorter_than_a_window_is_not_judged(loop: Loop, days: int) -> None:
    rows = world.predictions().filter(pl.col("predicted_at") < START + timedelta(days=days))
    world.fill(loop, rows, world.outcomes(rows))
    for as_of in (START + timedelta(days=days), START + timedelta(days=30)):
        scores = drift_scores(loop, as_of)
        assert not {State.WATCH, State.ALARM} & {s.state for s in scores}
        assert State.OK not in {s.state for s in scores if s.window_end > as_of - WEEK}
        findings = monitor(loop, as_of)
        assert not [f for f in findings if f.stage == "drift" and f.state in (State.WATCH, State.ALARM)]
        record_findings(loop, as_of, findings, actor="ana")


def test_a_loop_without_rows_says_so(loop: Loop) -> None:
    assert drift_scores(loop, END) == []
    assert performance(loop, END) == []
    assert {f.state for f in monitor(loop, END) if f.code == "signals.volume"} == {State.PENDING}
    for look in (feature_distribution, exact_drift):
        with pytest.raises(NotReadyError, match="no reference period"):
            look(loop, END, feature="weight", window_start=END - WEEK, window_end=END)


# -- at the gates ---------------------------------------------------------------------------------------------------


def test_a_column_nobody_declared_is_refused_by_name(loop: Loop, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [prediction(i, colour="red") for i in range(5)])
    with pytest.raises(SourceError, match="does not know the column 'colour'"):
        deliver(loop, Signal.PREDICTIONS, path)


def test_a_column_that_was_dropped_is_null_and_said(loop: Loop, tmp_path: Path) -> None:
    rows = [{k: v for k, v in prediction(i).items() if k != "weight"} for i in range(5)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert report.accepted == 5
    assert report.notes == ("not delivered, so null: weight",)


def test_a_type_that_changed_stops_the_batch_and_cannot_be_declared(loop: Loop, tmp_path: Path) -> None:
    rows = [prediction(i, weight="heavy" if i % 5 else 1.0) for i in range(50)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert (report.state, {rule.rule: rule.rows for rule in report.rules}) == ("stopped", {"weight.type": 40})
    text = CHARTER.replace('name = "weight"\ntype = "number"', 'name = "weight"\ntype = "category"')
    with pytest.raises(CharterError, match="weight is stored as number"):
        loop.workspace.set_charter(text, actor="ana", reason="", as_of=START)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"weight": "inf"}, "weight.finite"),
        ({"weight": "-inf"}, "weight.finite"),
        ({"predicted_at": "2199-01-01T00:00:00Z"}, "predicted_at.future"),
        ({"predicted_at": "99999-01-01T00:00:00Z"}, "predicted_at.range"),
    ],
)
def test_rows_that_cannot_be_are_held_back(loop: Loop, tmp_path: Path, change: dict[str, str], rule: str) -> None:
    rows = [prediction(0), prediction(1, **change)]
    report = deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows))
    assert report.accepted == 1
    assert [count.rule for count in report.rules] == [rule]


def test_labels_before_their_prediction_or_in_the_future_are_held_back(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(i) for i in range(3)]))
    rows = [outcome(0), outcome(1, observed_at="2017-12-31T00:00:00Z"), outcome(2, observed_at="2018-03-02T00:00:00Z")]
    report = deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", rows))
    assert {count.rule for count in report.rules} == {"observed_at.before_prediction", "observed_at.future"}
    assert known_at(loop, AS_OF).rows("select prediction_id from labels") == [("p0",)]


# -- a clock moved back ---------------------------------------------------------------------------------------------


def test_looking_from_an_earlier_instant_sees_nothing_later_and_spoils_nothing(loop: Loop) -> None:
    rows = _rows()
    world.fill(loop, rows.with_columns(weight=_newest("weight", None)), world.outcomes(rows))
    run_cycle(loop, END, actor="ana")
    later = findings_at(loop, END)
    assert _states(later)[0] == "alarm"
    back = END - timedelta(days=10)
    run_cycle(loop, back, actor="ana")
    assert _states(findings_at(loop, back))[0] == "ok"
    assert findings_at(loop, END) == later
    assert all(since <= END for since in standing_since(loop, END).values())
    assert loop.present(START) == END  # the newest cycle stays the present
    assert loop.ledger.verify().broken_at is None


def test_what_arrives_while_the_clock_is_wrong_can_be_replayed(loop: Loop, tmp_path: Path) -> None:
    from loop_core.gates.quarantine import list_rows
    from loop_core.gates.replay import replay

    path = write_csv(tmp_path / "a.csv", [prediction(i) for i in range(15)])
    wrong = START - timedelta(days=400)
    report = deliver(loop, Signal.PREDICTIONS, path, as_of=wrong)
    assert (report.state, report.rules[0].rule) == ("ingested", "predicted_at.future")
    replay(loop, [row.quarantine_id for row in list_rows(loop)], actor="ana", as_of=AS_OF)
    assert known_at(loop, AS_OF).rows("select count(*) from predictions") == [(15,)]


def test_a_message_goes_out_once_though_the_clock_goes_back(workspace: Workspace, loop: Loop) -> None:
    with webhook() as hook:
        channels(workspace, hook=hook.url)
        moment = raised(loop)
        hook.behave = [500, "take"]
        assert send_messages(workspace, now=moment).sent == 0
        for hours in (-24, -1, 0, 24, -24):
            send_messages(workspace, now=moment + timedelta(hours=hours))
        assert len(hook.taken) == 1
        assert only(workspace).message_id == hook.taken[0]


def _states(findings: list[Finding]) -> tuple[str, str, str]:
    found = {(f.code, f.subject): f.state.value for f in findings}
    return (
        found["drift.feature", "weight"],
        found["drift.feature", "state"],
        found["signals.volume", "predictions"],
    )


def _complete(scores: list[DriftScore]) -> bool:
    """Either a number with its state, or why there is none."""
    judged = (State.OK, State.WATCH, State.ALARM)
    for score in scores:
        if score.state in judged:
            assert score.value is not None
            assert math.isfinite(score.value), score
        else:
            assert score.reason, score
    return bool(scores)
