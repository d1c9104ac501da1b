"""The simulated marketplace: deterministic, realistic where it matters, and its truth file is true."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from loop_core.errors import RefusedError, SourceError
from loop_core.recipes import Simulation, load_recipe, simulate_recipe
from loop_core.signals.simulate import Scenario, load_scenario, simulate
from loop_core.signals.simulate.orders import rows_per_week

ROWS = 90_000
TABLES = ("predictions", "outcomes", "feedback", "scores")


def _read(folder: Path) -> dict[str, pl.DataFrame]:
    return {table: pl.read_parquet(folder / f"{table}-*.parquet") for table in TABLES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One simulation of ROWS rows."""
    folder = tmp_path_factory.mktemp("simulated") / "out"
    simulate_recipe("deliveries", folder, Simulation(ROWS, 3))
    return folder


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, pl.DataFrame]:
    return _read(folder)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text())


@pytest.fixture(scope="module")
def labelled(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Predictions with their newest label and the challenger's score."""
    labels = tables["outcomes"].sort("observed_at").group_by("prediction_id").last()
    logged = tables["scores"].select("prediction_id", challenger="score")
    return (
        tables["predictions"]
        .join(labels, on="prediction_id")
        .join(logged, on="prediction_id", how="left")
        .sort("predicted_at")
    )


@pytest.fixture
def scenario() -> Scenario:
    path = load_recipe("deliveries").scenario
    assert path is not None
    return load_scenario(path)


def _event(truth: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(event for event in truth["events"] if event["kind"] == kind)


def _inside(event: dict[str, Any]) -> pl.Expr:
    at = pl.col("predicted_at").dt.date()
    inside = at >= date.fromisoformat(event["start"])
    return inside & (at < date.fromisoformat(event["end"])) if event["end"] else inside


def _in_cohort(event: dict[str, Any]) -> pl.Expr:
    return pl.all_horizontal(pl.lit(True), *(pl.col(column) == value for column, value in event["where"].items()))


def _parts(frame: pl.DataFrame, **by: pl.Expr) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    return list(frame.with_columns(**by).partition_by(list(by), as_dict=True).items())


def _log_loss(frame: pl.DataFrame, score: str) -> float:
    p = pl.col(score).clip(1e-6, 1 - 1e-6)
    return float(frame.select(-(pl.col("label") * p.log() + (1 - pl.col("label")) * (1 - p).log()).mean()).item())


# -- determinism ----------------------------------------------------------------------------------------------


def test_one_seed_gives_one_world(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_recipe("deliveries", tmp_path / name, Simulation(1_500, seed))
    a, b, c = (_read(tmp_path / name) for name in "abc")
    assert all(a[table].equals(b[table]) for table in TABLES)
    assert (tmp_path / "a" / "truth.json").read_bytes() == (tmp_path / "b" / "truth.json").read_bytes()
    assert not any(a[table].equals(c[table]) for table in TABLES)
    assert [f.read_bytes() for f in sorted((tmp_path / "a").iterdir())] == [
        f.read_bytes() for f in sorted((tmp_path / "b").iterdir())
    ]


@pytest.mark.parametrize("rows", [78, 79, 1_000, 123_457])
def test_weeks_add_up_to_the_rows_asked_for(scenario: Scenario, rows: int) -> None:
    weekly = rows_per_week(scenario, rows)
    assert weekly.sum() == rows
    assert (weekly >= 0).all()


def test_volume_grows_and_peaks_at_the_end_of_november(scenario: Scenario) -> None:
    weekly = rows_per_week(scenario, 100_000)
    assert scenario.weeks[int(np.argmax(weekly))] == date(2024, 11, 25)
    assert weekly[-8:].mean() > 1.4 * weekly[:8].mean()


# -- realism --------------------------------------------------------------------------------------------------


def test_tables_fit_each_other(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    ids = tables["predictions"]["prediction_id"]
    assert {table: frame.height for table, frame in tables.items()} == truth["rows"]
    assert ids.n_unique() == ROWS
    assert tables["feedback"]["feedback_id"].n_unique() == tables["feedback"].height
    assert all(frame["prediction_id"].is_in(ids.implode()).all() for frame in tables.values())


def test_nothing_is_known_after_the_export_or_before_the_prediction(
    tables: dict[str, pl.DataFrame], scenario: Scenario
) -> None:
    for table, column in (("outcomes", "observed_at"), ("feedback", "given_at")):
        frame = tables[table].join(tables["predictions"].select("prediction_id", "predicted_at"), on="prediction_id")
        assert frame[column].dt.date().max() < scenario.end
        assert frame.filter(pl.col(column) <= pl.col("predicted_at")).height == 0


def test_late_is_known_on_the_promised_date_and_on_time_before_it(tables: dict[str, pl.DataFrame]) -> None:
    first = tables["outcomes"].filter(pl.col("source") == "observed").join(tables["predictions"], on="prediction_id")
    late, on_time = first.filter(pl.col("label") == 1), first.filter(pl.col("label") == 0)
    assert late.height > 1_000
    assert (late["observed_at"] == late["promised_at"]).all()
    assert (on_time["observed_at"] <= on_time["promised_at"]).all()
    assert on_time.filter(pl.col("observed_at") < pl.col("promised_at")).height > 0.99 * on_time.height


def test_rates_are_those_of_such_a_marketplace(tables: dict[str, pl.DataFrame], labelled: pl.DataFrame) -> None:
    ratings = labelled.join(
        tables["feedback"].drop_nulls("rating").select("prediction_id", "rating"), on="prediction_id"
    )
    mean = dict(ratings.group_by("label").agg(pl.col("rating").mean()).iter_rows())
    corrections = tables["outcomes"].filter(pl.col("source") == "correction").height
    assert 0.06 < labelled["label"].mean() < 0.14
    assert mean[1.0] < 3.0 < 4.1 < mean[0.0]
    assert 0 < corrections < 0.05 * labelled["label"].sum()
    assert 0.001 < tables["predictions"]["error"].is_not_null().mean() < 0.02
    assert tables["predictions"].filter(pl.col("error").is_not_null())["score"].is_null().all()


def test_a_model_on_all_features_beats_the_incumbent(labelled: pl.DataFrame) -> None:
    import lightgbm as lgb
    from sklearn.metrics import roc_auc_score

    rows = labelled.drop_nulls("score")
    names = load_recipe("deliveries").charter.feature_names
    features = rows.select(
        pl.col(c).rank("dense").alias(c) if rows[c].dtype == pl.String else pl.col(c).cast(pl.Float64) for c in names
    )
    x, y = features.to_numpy(), rows["label"].to_numpy()
    old = (rows["predicted_at"].dt.date() < date(2024, 9, 1)).to_numpy()
    quiet = (
        (rows["predicted_at"].dt.date() >= date(2024, 9, 1)) & (rows["predicted_at"].dt.date() < date(2025, 1, 13))
    ).to_numpy()
    settings = {
        "objective": "binary",
        "learning_rate": 0.06,
        "num_leaves": 15,
        "min_data_in_leaf": 60,
        "num_threads": 2,
        "seed": 1,
        "verbose": -1,
    }
    model = lgb.train(settings, lgb.Dataset(x[old], y[old]), 80)
    incumbent, challenger = (
        roc_auc_score(y[quiet], rows["score"].to_numpy()[quiet]),
        roc_auc_score(y[quiet], model.predict(x[quiet])),
    )
    assert 0.66 < incumbent < 0.73
    assert incumbent + 0.03 < challenger < 0.81


def test_comments_come_in_four_languages_with_errors_and_personal_data(tables: dict[str, pl.DataFrame]) -> None:
    comments = tables["feedback"]["comment"].drop_nulls()
    for word in ("Recebi|chegou", "llegó|calidad", "arrived|quality", "Qualität|Termin"):
        assert comments.str.contains(word).sum() > 20, word
    contact = comments.str.contains(r"@example\.(com|org)|\+\d\d ").mean()
    assert 0.02 < contact < 0.09
    assert comments.n_unique() > 300, "typing errors and fillings make comments differ"
    assert {"review", "ticket"} == set(tables["feedback"]["kind"])
    assert tables["feedback"].filter(pl.col("kind") == "ticket")["rating"].is_null().all()


# -- the truth is true ----------------------------------------------------------------------------------------


def test_truth_counts_the_rows_each_event_touches(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    assert len(truth["events"]) == 7
    for event in truth["events"]:
        assert event["rows"] == tables["predictions"].filter(_inside(event) & _in_cohort(event)).height, event["name"]
        assert event["rows"] > 0


def test_covariate_shift_moves_the_regions(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    event = _event(truth, "covariate_shift")
    share = tables["predictions"].group_by(_inside(event).alias("inside")).agg(_in_cohort(event).mean().alias("share"))
    before, after = share.sort("inside")["share"]
    assert before < 0.09
    assert after == pytest.approx(before + event["size"] * (1 - before), abs=0.02)


def test_concept_drift_makes_one_carrier_late_and_the_incumbent_worse(
    labelled: pl.DataFrame, truth: dict[str, Any]
) -> None:
    event = _event(truth, "concept_drift")
    near = labelled.drop_nulls("score").filter(
        pl.col("predicted_at").dt.date().is_between(date(2024, 9, 2), date(2025, 5, 31))
    )
    near = near.filter(pl.col("predicted_at").dt.month().is_in([11, 12]).not_())
    rate = {key: frame["label"].mean() for key, frame in _parts(near, inside=_inside(event), hit=_in_cohort(event))}
    assert rate[True, True] > 1.8 * rate[False, True]
    assert rate[True, False] == pytest.approx(rate[False, False], abs=0.025)
    loss = {key[0]: _log_loss(frame, "score") for key, frame in _parts(near, inside=_inside(event))}
    assert loss[True] > loss[False] + 0.03


def test_unit_slip_is_in_one_channel_for_its_time(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    event = _event(truth, "unit_slip")
    heavy = (
        tables["predictions"]
        .with_columns(hit=_inside(event) & _in_cohort(event))
        .group_by("hit")
        .agg(pl.col("weight_kg").median())
    )
    usual, slipped = heavy.sort("hit")["weight_kg"]
    assert slipped == pytest.approx(event["size"] * usual, rel=0.35)


def test_latency_and_errors_rise_together_for_three_weeks(
    tables: dict[str, pl.DataFrame], truth: dict[str, Any]
) -> None:
    event = _event(truth, "latency_regression")
    by = (
        tables["predictions"]
        .group_by(_inside(event).alias("inside"))
        .agg(pl.col("latency_ms").quantile(0.5), pl.col("error").is_not_null().mean())
    )
    usual, slow = by.sort("inside").rows()
    assert slow[1] == pytest.approx(event["size"] * usual[1], rel=0.1)
    assert slow[2] > 3 * usual[2]


def test_complaints_burst_in_one_category(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    event = _event(truth, "complaint_burst")
    reviews = tables["feedback"].drop_nulls("rating").join(tables["predictions"], on="prediction_id")
    mean = {key: frame["rating"].mean() for key, frame in _parts(reviews, inside=_inside(event), hit=_in_cohort(event))}
    assert mean[True, True] < mean[False, True] - 1
    assert mean[True, False] == pytest.approx(mean[False, False], abs=0.25)


def test_challenger_is_better_overall_and_worse_on_the_islands(labelled: pl.DataFrame, truth: dict[str, Any]) -> None:
    event = _event(truth, "logged_challenger")
    both = labelled.drop_nulls(["score", "challenger"])
    assert both["predicted_at"].dt.date().min() >= date.fromisoformat(event["start"])
    assert _log_loss(both, "challenger") < _log_loss(both, "score") - 0.01
    worse = both.filter(_in_cohort(event))
    assert _log_loss(worse, "challenger") > _log_loss(worse, "score") + 0.003
    rest = both.filter(_in_cohort(event).not_())
    assert all(
        _log_loss(frame, "challenger") < _log_loss(frame, "score") for frame in rest.partition_by("customer_region")
    )


def test_bad_rows_are_negative_prices_in_one_week(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    event = _event(truth, "bad_rows")
    negative = tables["predictions"].with_columns(inside=_inside(event)).filter(pl.col("price") < 0)
    assert negative.height > 0
    assert negative["inside"].all()


# -- what it refuses ------------------------------------------------------------------------------------------


def test_a_folder_with_files_and_too_few_rows_are_refused(folder: Path, tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(RefusedError, match="already holds"):
        simulate(folder, rows=1_000, scenario=scenario)
    with pytest.raises(RefusedError, match="at least 78 rows"):
        simulate(tmp_path / "new", rows=5, scenario=scenario)


@pytest.mark.parametrize(
    ("text", "said"), [("name = ", "not TOML"), ('name = "x"\n', "start"), ("nonsense = 1\n", "nonsense")]
)
def test_a_scenario_with_an_error_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        load_scenario(path)
    with pytest.raises(SourceError, match="no scenario at"):
        load_scenario(tmp_path / "absent.toml")


def test_an_event_outside_the_scenario_is_refused(scenario: Scenario) -> None:
    raw = scenario.model_dump()
    raw["events"][0]["start"] = date(2030, 1, 1)
    with pytest.raises(ValueError, match="does not lie within"):
        Scenario.model_validate(raw)
