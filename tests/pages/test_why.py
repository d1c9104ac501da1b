"""What `Why?` hands over gives the page's number again, in every digit: as SQL through the door of `loop sql`, else as code."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from app import evidence
from app.session import View
from app.widgets import notebook
from loop_core.feedback import feedback_trend
from loop_core.labels import known_at
from loop_core.monitor import PerformancePoint, decision_boundary, performance
from loop_core.monitor.measure import METRICS
from loop_core.workspace import Loop, Workspace
from tests.conftest import START

WEEK = timedelta(days=7)
END = START + 4 * WEEK
N = 1_200
#: A value that looks like a name of what is bound, and like the end of a text.
HOSTILE = "it's $first"
CHARTER = """
[loop]
name = "{name}"
title = "t"
purpose = "p"
task = "{task}"
{more}
clock = "data"
[roles]
owner = "ana"
[labels]
horizon_days = 1
[[features]]
name = "price"
type = "number"
[[features]]
name = "state"
type = "category"
[[cohorts]]
name = "state"
min_rows = 5
[[cohorts]]
name = "size"
expression = "case when price > 0 then 'large' else 'small' end"
[[metrics]]
name = "{metric}"
margin = 0.01
"""
CLASSES = ("a", "b_b", "c")
TASKS = {
    "binary": ('positive = "late"', "log_loss"),
    "multiclass": (f"classes = {list(CLASSES)}".replace("'", '"'), "log_loss"),
    "regression": ("", "mae"),
}
#: Metrics that windows of a task are measured by.
MEASURED = {
    "binary": ("auc", "log_loss", "brier", "accuracy"),
    "multiclass": ("auc", "log_loss", "brier", "accuracy"),
    "regression": ("mae", "mse", "rmse"),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Loop]]:
    """A loop of each task: scores of exactly 0 and 1, ties, entities with many rows, features and labels that are missing,
    a week of one class only."""
    with Workspace.create(tmp_path_factory.mktemp("why") / "w") as workspace:
        loops = {}
        for task, (more, metric) in TASKS.items():
            text = CHARTER.format(name=task, task=task, more=more, metric=metric)
            loops[task] = workspace.set_charter(text, actor="ana", reason="first", as_of=START)
            _fill(loops[task], task)
        yield loops


def _fill(loop: Loop, task: str) -> None:
    rng = np.random.default_rng(0)
    at = [START + (END - START) * k / N for k in range(N)]
    rows = pl.DataFrame(
        {
            "prediction_id": [f"p{k}" for k in range(N)],
            "entity_id": [f"e{k % 150}" if k % 7 else None for k in range(N)],
            "predicted_at": at,
            "model_version": rng.choice(["old", "new"], N),
            "price": pl.Series(rng.normal(size=N)).set(pl.Series(rng.random(N) < 0.1), None),
            "state": pl.Series(rng.choice(["SP", "RJ", HOSTILE], N)).set(pl.Series(rng.random(N) < 0.1), None),
        }
    )
    scores, labels = _answers(rng, task)
    labels[N // 4 : N // 2] = 0.0
    missing = rng.random(N) < 0.05
    given = pl.DataFrame({"prediction_id": rows["prediction_id"], "label": labels, "observed_at": at, "source": "s"})
    rated = rows.with_columns(rating=pl.Series(rng.integers(1, 6, N).astype(float)), given_at="predicted_at")
    feedback = rated.filter(rng.random(N) < 0.3).select(
        "prediction_id", "rating", "given_at", feedback_id="prediction_id"
    )
    tables = {"predictions": rows.with_columns(**scores), "outcomes": given.filter(~missing), "feedback": feedback}

    def body(tx: Any) -> None:
        for name, frame in tables.items():
            tx.register("given_rows", frame)
            tx.execute(f"insert into {loop.table(name)} by name from given_rows")

    loop.lake.write(body, actor="ana", message="rows")


def _answers(rng: np.random.Generator, task: str) -> tuple[dict[str, pl.Series], np.ndarray]:
    """(column → what the model said, labels)."""
    if task == "regression":
        labels = rng.normal(1e6, 10, N)
        said = {"score": np.where(rng.random(N) < 0.1, labels, labels + rng.normal(size=N))}
    elif task == "binary":
        chance = np.round(rng.beta(0.5, 0.5, N), 2)
        labels, said = (rng.random(N) < np.where(rng.random(N) < 0.2, 0.5, chance)).astype(float), {"score": chance}
    else:
        chances = np.round(rng.dirichlet([0.3, 0.3, 0.3], N), 1)
        chances[:, 2] = np.maximum(0, 1 - chances[:, 0] - chances[:, 1])
        labels = rng.integers(0, 3, N).astype(float)
        said = {"score": chances.max(axis=1)} | {f"score_{name}": chances[:, k] for k, name in enumerate(CLASSES)}
    odd = np.full(N, np.nan)
    odd[5], odd[6], odd[7] = np.inf, -np.inf, np.nan
    columns = {name: np.where(np.isin(np.arange(N), (5, 6, 7)), odd, values) for name, values in said.items()}
    nulls = pl.Series(rng.random(N) < 0.05)
    return {name: pl.Series(values).set(nulls, None) for name, values in columns.items()}, labels


def _view(loop: Loop) -> View:
    return View(loop, END + WEEK, END + WEEK, "ana", False, (0, 0))


def _run(loop: Loop, sql: str) -> dict[str, Any]:
    """As `loop sql` runs it."""
    assert "$" not in sql.replace(HOSTILE.replace("'", "''"), "")
    (row,) = known_at(loop, END + WEEK).frame(sql).to_dicts()
    return row


def _points(loop: Loop, metric: str, cohort: str | None) -> list[PerformancePoint]:
    found = performance(loop, END + WEEK, metrics=(metric,), cohort=cohort)
    return [point for point in found if point.value is not None]


CASES = [(task, metric, cohort) for task, metrics in MEASURED.items() for metric in metrics
         for cohort in (None, "state", "state × size")]  # fmt: skip


def test_every_metric_of_windows_is_in_some_case():
    assert {metric for _, metric, _ in CASES} == set(METRICS)


@pytest.mark.parametrize(("task", "metric", "cohort"), CASES)
def test_the_sql_or_the_code_of_a_metric_gives_the_number_of_the_page(hostile, task, metric, cohort):
    loop, points = hostile[task], _points(hostile[task], metric, cohort)
    assert points
    for point in points[:: math.ceil(len(points) / 5)]:
        sql = evidence.metric_sql(_view(loop), point)
        if (task, metric) == ("multiclass", "auc"):
            assert sql is None  # a mean of ranks over classes
            continue
        assert sql is not None
        row = _run(loop, sql)
        assert row["n"] == point.n
        assert row[metric] == pytest.approx(point.value, rel=1e-12, abs=1e-14)
    call = f"loop_core.monitor:performance(loop, as_of, metrics=({metric!r},), cohort={cohort!r})"
    again = _execute(notebook(_view(loop), call))
    assert [point.value for point in again if point.value is not None] == [point.value for point in points]


def test_one_certain_and_wrong_answer_costs_the_same_wherever_it_is_told(hostile):
    point = _points(hostile["binary"], "log_loss", None)[0]
    assert math.isfinite(point.value)
    assert repr(2**-52) in evidence.metric_sql(_view(hostile["binary"]), point)


def test_what_lies_near_the_threshold_is_the_page_s(hostile):
    loop = hostile["binary"]
    for cohort in (None, "state"):
        for bands in decision_boundary(loop, END + WEEK, cohort=cohort, threshold=0.25):
            row = _run(loop, evidence.boundary_sql(_view(loop), bands))
            assert (row["n"], row["n_labelled"]) == (bands.n, bands.n_labelled)
            assert row["near_share"] == pytest.approx(bands.near_share, rel=1e-12)
            assert row["near_error_share"] == pytest.approx(bands.near_error_share, rel=1e-12)


def test_ratings_of_a_window_are_the_page_s(hostile):
    for point in feedback_trend(hostile["binary"], END + WEEK):
        row = _run(hostile["binary"], evidence.rating_sql(point))
        assert (row["n"], row["n_rated"], row["low_share"]) == (point.n, point.n_rated, point.low_share)
        assert row["rating_mean"] == pytest.approx(point.rating_mean, rel=1e-12)


def test_what_is_left_of_a_cohort_has_no_sql_of_its_own(hostile):
    point = _points(hostile["binary"], "brier", "state")[0]
    rest = PerformancePoint(**{**vars(point), "cohort_value": "(other)"})
    assert evidence.metric_sql(_view(hostile["binary"]), rest) is None


def _execute(code: str) -> Any:
    """The value of the last line of a notebook's cell."""
    *lines, last = code.splitlines()
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)
    with contextlib.closing(space["loop"].workspace):
        return eval(last, space)
