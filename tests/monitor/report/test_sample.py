"""A sample keeps its days and labels in proportion, and is the same for the same seed."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import RefusedError
from loop_core.labels import read_at
from loop_core.lake import Reading
from loop_core.monitor.report.columns import MAX_CATEGORIES, OTHER, shown_columns
from loop_core.monitor.report.sample import stratified_sample
from loop_core.workspace import Loop
from tests.conftest import START
from tests.monitor import world

END = START + timedelta(days=100)


@pytest.fixture
def reading(loop: Loop) -> Reading:
    rows = world.predictions().with_columns(price=pl.int_range(world.N).cast(pl.Float64))
    return read_at(world.fill(loop, rows, world.outcomes(rows)), START + timedelta(days=105))


def test_everything_that_fits_is_taken(reading: Reading) -> None:
    sample = stratified_sample(reading, START, END)
    assert (sample.n, sample.of, sample.sentence) == (4_000, 4_000, "all 4,000 rows")


@pytest.mark.parametrize("most", [1, 500, 3_999])
def test_labels_and_days_keep_their_shares(reading: Reading, most: int) -> None:
    whole = stratified_sample(reading, START, END).frame
    sample = stratified_sample(reading, START, END, most=most)
    assert (sample.n, sample.of) == (most, 4_000)
    for label in (0.0, 1.0, None):
        share = whole["label"].eq_missing(label).mean()
        assert abs(sample.frame["label"].eq_missing(label).mean() - share) < 0.02 + 1 / most  # type: ignore[operator]
    per_day = sample.frame.group_by((pl.col("price") / 40).floor()).len()["len"]  # 40 predictions a day, in order
    if most == 500:
        assert per_day.min() >= 3  # type: ignore[operator]
        assert per_day.max() <= 7  # type: ignore[operator]


def test_the_seed_decides(reading: Reading) -> None:
    first, again, other = (stratified_sample(reading, START, END, seed=seed, most=300).frame for seed in (0, 0, 1))
    assert first.equals(again)
    assert len(set(first["price"]) & set(other["price"])) < 100


def test_columns_of_endless_variety_are_folded_and_empty_ones_left_out(loop: Loop) -> None:
    n = 400
    frame = pl.DataFrame(
        {
            "price": [None] * n,
            "weight": [1.0] * n,
            "state": ["often"] * 200 + [f"s{i}" for i in range(200)],
            "score": [0.5] * n,
            "label": [None] * n,
        },
        schema_overrides={"price": pl.Float64, "label": pl.Float64},
    )
    columns = shown_columns(loop.charter, frame, frame)
    assert columns.numbers == ("weight", "score")
    assert columns.current["state"].n_unique() == MAX_CATEGORIES + 1
    assert OTHER in columns.current["state"].to_list()
    assert columns.current["state"].to_list().count("often") == 200
    assert [note.split(":")[0] for note in columns.notes] == ["price is left out", "state"]


@pytest.mark.parametrize(
    ("value", "why"),
    [(math.inf, "no value on one side"), (math.nan, "no value on one side"), (1e300, "values beyond 1e+12")],
)
def test_numbers_that_cannot_be_drawn_are_left_out(loop: Loop, value: float, why: str) -> None:
    plain = pl.DataFrame({"price": [1.0, 2.0], "weight": [1.0, 2.0], "state": ["SP", None], "score": [0.5, 0.6]})
    columns = shown_columns(loop.charter, plain, plain.with_columns(weight=pl.lit(value)))
    assert columns.numbers == ("price", "score")
    assert columns.notes == (f"weight is left out: {why}",)
    one = shown_columns(loop.charter, plain, plain.with_columns(weight=pl.Series([1.0, value])))
    assert ("weight" in one.numbers) == (value != 1e300)


def test_what_evidently_stumbles_over_is_said(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    from loop_core.monitor.report import rendering

    def stumble(_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(rendering, "_drift", stumble)
    frame = pl.DataFrame({"price": [1.0], "weight": [1.0], "state": ["SP"], "score": [0.5], "label": [1.0]})
    columns = shown_columns(loop.charter, frame, frame)
    with pytest.raises(RefusedError, match=r"cannot make a report of these rows \(ZeroDivisionError"):
        rendering.render(loop.charter, columns, "", lambda share, text: None)
