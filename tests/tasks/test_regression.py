"""A loop of numbers from end to end, on real bike rentals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.charter import WATCHED_OF, parse_charter
from loop_core.compare import compare
from loop_core.compare.flips import flips
from loop_core.compare.overlay import calibration_overlay
from loop_core.errors import CharterError, NotReadyError, RefusedError, SourceError
from loop_core.gates import ingest
from loop_core.gates.scores import log_scores
from loop_core.labels import known_at
from loop_core.monitor import (
    calibration,
    decision_boundary,
    estimated_performance,
    monitor,
    performance,
    service_health,
)
from loop_core.monitor.reliability_of_numbers import bins_of_numbers, error_of_numbers, line_of_numbers
from loop_core.monitor.report import evidently_report
from loop_core.recipes import import_recipe
from loop_core.release import serve
from loop_core.replay import first_champion
from loop_core.resources import resource_folder
from loop_core.retrain import Budget, retrain
from loop_core.signals import read_source
from loop_core.vocabulary import Signal, State, Task
from loop_core.workspace import Loop, Workspace

START, NOW = datetime(2012, 1, 2, tzinfo=UTC), datetime(2012, 7, 2, tzinfo=UTC)
# A Monday too: windows are counted back from the day of the look.
LATER, ARRIVED = datetime(2012, 7, 9, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)
CHARTER = (resource_folder("data") / "bike" / "charter.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rentals(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """All hours; a model of 2011 serves the first half of 2012."""
    folder = real_data / "bike"
    if not folder.exists():
        pytest.skip(f"the data set bike is not at {folder}; set LOOPBENCH_DATA to run this test")
    with Workspace.create(tmp_path_factory.mktemp("bike") / "w") as workspace:
        report = import_recipe(workspace, "bike", folder, actor="ana", as_of=ARRIVED)
        assert [(b.accepted, b.quarantined) for b in report.batches] == [(17_379, 0), (17_379, 0)]
        loop = workspace.loop("rentals")
        first_champion(loop, until=START, actor="ana", seed=1)
        serve(loop, START, NOW, actor="ana")
        yield loop


def test_nothing_later_than_the_prediction_is_in_it(rentals: Loop) -> None:
    """Past rides, recomputed from the labels known then."""
    rows = known_at(rentals, ARRIVED).frame(
        "select predicted_at, label, observed_at, rides_day_before, rides_week_before, rides_last_week from rows order by 1"
    )
    known = {row["predicted_at"]: row["label"] for row in rows.iter_rows(named=True)}
    for row in rows.gather_every(701).iter_rows(named=True):
        made = row["predicted_at"]
        assert row["rides_day_before"] == known.get(made - timedelta(days=2))
        assert row["rides_week_before"] == known.get(made - timedelta(days=7))
        week = rows.filter(
            pl.col("observed_at") - timedelta(hours=1) < made,
            pl.col("observed_at") - timedelta(hours=1) >= made - timedelta(days=7),
        )
        assert row["rides_last_week"] == (pytest.approx(week["label"].mean()) if week.height else None)


def test_a_window_says_what_scikit_learn_says_of_its_rows(rentals: Loop) -> None:
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    names = WATCHED_OF[Task.REGRESSION]
    points = {p.metric: p for p in performance(rentals, NOW, weeks=3, metrics=names) if p.value is not None}
    rows = known_at(rentals, NOW).frame(
        "select label, score from rows where predicted_at >= $first and predicted_at < $last",
        first=points["mae"].window_start,
        last=points["mae"].window_end,
    )
    label, score = rows["label"].to_numpy(), rows["score"].to_numpy()
    assert points["mae"].value == pytest.approx(mean_absolute_error(label, score))
    assert points["mse"].value == pytest.approx(mean_squared_error(label, score))
    assert points["rmse"].value == pytest.approx(mean_squared_error(label, score) ** 0.5)
    assert all(p.ci_low < p.value < p.ci_high for p in points.values())


def test_parts_of_days_are_the_witnesses_not_hours(rentals: Loop) -> None:
    """Neighbouring hours miss together: an interval over hours alone would be too narrow."""
    point = next(p for p in performance(rentals, NOW, weeks=6) if p.metric == "mae" and p.value is not None)
    rows = known_at(rentals, NOW).frame(
        "select label, score from rows where predicted_at >= $first and predicted_at < $last",
        first=point.window_start,
        last=point.window_end,
    )
    errors = (rows["label"] - rows["score"]).abs().to_numpy()
    assert point.ci_high - point.value > 1.2 * 1.96 * errors.std() / len(errors) ** 0.5


def test_the_newest_window_has_an_estimate_that_knows_the_hard_hours(rentals: Loop) -> None:
    """Growth is concept drift, which no estimate sees; which hours are hard is in the features, and it does see that."""
    newest = [p for p in estimated_performance(rentals, NOW, metrics=["mae"]) if p.window_end == NOW]
    assert [p.state is not State.PENDING and 0 < p.ci_low < p.value < p.ci_high for p in newest] == [True]
    estimated = estimated_performance(rentals, NOW, cohort="day_part", metrics=["mae"], weeks=1)
    label = "avg(abs(label - score)) as mae"
    realised = known_at(rentals, LATER).rows(
        f"select cohort_day_part, {label} from rows where predicted_at >= $first and predicted_at < $last group by 1",
        first=newest[0].window_start,
        last=NOW,
    )
    by_part = dict(realised)
    pairs = np.array([(p.value, by_part[p.cohort_value]) for p in estimated])
    assert len(pairs) == 5
    assert np.corrcoef(pairs.T)[0, 1] > 0.8


def test_calibration_sees_that_the_model_of_one_year_is_too_low_in_the_next(rentals: Loop) -> None:
    curve = calibration(rentals, NOW, weeks=12)[0]
    assert (curve.unit, curve.state) == ("rides", State.WATCH)
    assert curve.intercept > 20
    assert curve.slope > 1.1
    assert curve.ece_ci_low > 0
    assert curve.brier == pytest.approx(curve.reliability - curve.resolution + curve.uncertainty, rel=0.1)


def test_there_is_no_threshold_and_no_confidence(rentals: Loop) -> None:
    with pytest.raises(RefusedError, match="regression"):
        decision_boundary(rentals, NOW)
    assert all(point.uncertainty is None for point in service_health(rentals, NOW, weeks=5))


def test_the_monitor_alarms_on_growth(rentals: Loop) -> None:
    states = {f.code: f.state for f in monitor(rentals, NOW) if f.subject in ("mae", "rides_last_week")}
    assert states["drift.feature"] in (State.WATCH, State.ALARM)
    assert "performance.mae" in states


def test_evidently_reports_the_errors(rentals: Loop) -> None:
    start = datetime(2012, 6, 11, tzinfo=UTC)
    report = evidently_report(rentals, NOW, window=(start, start + timedelta(days=7)), seed=1)
    assert "MAE" in report.path_json.read_text()


def test_a_challenger_beats_last_years_model(rentals: Loop) -> None:
    made = retrain(rentals, as_of=NOW, actor="ana", seed=1, budget=Budget(2, 60))
    card = compare(rentals, made.version, as_of=datetime(2012, 7, 16, tzinfo=UTC), actor="ana")
    cell = card.overall("mae")
    assert cell.challenger < cell.champion
    assert cell.difference == pytest.approx(cell.champion - cell.challenger)
    assert card.overall("rmse").ci_low > 0
    assert card.badge in ("Ship", "Ready for review")
    found = flips(rentals, card)
    assert (found.threshold, found.chosen.both_wrong) == (None, None)
    assert found.chosen.fixed > found.chosen.broken, "more predictions come nearer than go farther off"
    first = found.rows[-1]
    assert (first.kind, first.label.endswith("rides"), first.champion_says.endswith("rides")) == ("fixed", True, True)
    curves = calibration_overlay(rentals, card)
    assert {curve.unit for curve in curves} == {"rides"}
    assert curves[1].ece < curves[0].ece


# -- the statistics ----------------------------------------------------------------------------------------------


def test_an_honest_prediction_is_found_so_and_a_low_one_is_not() -> None:
    rng, honest, low = np.random.default_rng(2), 0, 0
    for _ in range(100):
        said = rng.gamma(2, 50, 600)
        came = said + 0.3 * said * rng.standard_normal(600)
        honest += error_of_numbers(came, said)[1] > 0
        low += error_of_numbers(came, said * 0.9)[1] > 0
    assert honest <= 9  # 2.5 % nominal
    assert low >= 99


def test_slope_and_level_have_the_errors_they_claim() -> None:
    rng, inside = np.random.default_rng(4), np.zeros(2)
    for _ in range(300):
        said = rng.gamma(2, 50, 400)
        line = line_of_numbers(said + 0.4 * said * rng.standard_normal(400), said)
        inside += [abs(line.slope - 1) < 1.96 * line.slope_se, abs(line.intercept) < 1.96 * line.intercept_se]
    assert all(0.91 <= share <= 0.98 for share in inside / 300)


def test_odd_shapes_of_numbers_say_nothing_untrue() -> None:
    flat = np.full(40, 7.0)
    assert line_of_numbers(np.arange(40.0), flat) is None
    assert len(bins_of_numbers(np.arange(40.0), flat)) == 1
    assert error_of_numbers(flat, flat)[0] == 0


# -- bad input ---------------------------------------------------------------------------------------------------


@pytest.fixture
def empty(workspace: Workspace) -> Loop:
    return workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=NOW)


def test_a_negative_or_endless_label_is_quarantined(empty: Loop, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"prediction_id": list("abc"), "predicted_at": [START] * 3, "hour": [1.0] * 3, "score": [-4.0, 9e9, 3.0]}
    )
    rows.write_parquet(tmp_path / "p.parquet")
    assert (
        ingest(empty, Signal.PREDICTIONS, read_source(str(tmp_path / "p.parquet")), actor="a", as_of=NOW).accepted == 3
    )
    labels = pl.DataFrame(
        {
            "prediction_id": list("abc"),
            "label": [-1.0, float("inf"), 12.5],
            "observed_at": [START + timedelta(days=1)] * 3,
        }
    )
    labels.write_parquet(tmp_path / "o.parquet")
    report = ingest(empty, Signal.OUTCOMES, read_source(str(tmp_path / "o.parquet")), actor="a", as_of=NOW)
    assert {(r.rule, r.rows) for r in report.rules} == {("rides_not_negative", 1), ("label.finite", 1)}


def test_labels_that_never_differ_cannot_be_learnt_from(empty: Loop, tmp_path: Path) -> None:
    n, day = 1_000, timedelta(days=1)
    rows = pl.DataFrame(
        {
            "prediction_id": [str(i) for i in range(n)],
            "predicted_at": [START + i * day / 8 for i in range(n)],
            "hour": [1.0] * n,
        }
    )
    rows.write_parquet(tmp_path / "p.parquet")
    rows.select("prediction_id", label=pl.lit(3.0), observed_at=pl.col("predicted_at") + day).write_parquet(
        tmp_path / "o.parquet"
    )
    for signal, name in ((Signal.PREDICTIONS, "p"), (Signal.OUTCOMES, "o")):
        ingest(empty, signal, read_source(str(tmp_path / f"{name}.parquet")), actor="a", as_of=NOW)
    with pytest.raises(NotReadyError, match="have the label 3"):
        retrain(empty, as_of=NOW, actor="a", seed=0)


def test_a_score_must_be_a_number(empty: Loop) -> None:
    frame = pl.DataFrame({"prediction_id": ["a"], "score": [float("nan")]})
    with pytest.raises(SourceError, match="no finite number"):
        log_scores(empty, "other", frame, actor="a", as_of=NOW)


@pytest.mark.parametrize(
    ("was", "becomes"), [('name = "mae"', 'name = "auc"'), ('unit = "rides"', 'classes = ["a", "b"]')]
)
def test_a_charter_that_contradicts_its_task_is_refused(was: str, becomes: str) -> None:
    with pytest.raises(CharterError, match="regression"):
        parse_charter(CHARTER.replace(was, becomes, 1))
