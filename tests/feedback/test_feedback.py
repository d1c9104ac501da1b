"""Feedback over time and item by item, as it was known then."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import UnknownNameError
from loop_core.feedback import feedback_items, feedback_trend, masked, mean_interval, wilson
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


@pytest.fixture
def rated(loop):
    rows = predictions()
    part = rows.gather_every(10)
    ratings = part.select(
        feedback_id="prediction_id",
        prediction_id="prediction_id",
        given_at=pl.col("predicted_at") + timedelta(days=1),
        kind=pl.lit("review"),
        rating=pl.when(pl.col("state") == "RJ").then(2.0).otherwise(pl.int_range(pl.len()) % 3 + 3.0),
        comment=pl.lit("Late! mail me: ana@example.com"),
    )
    stray = ratings.head(1).with_columns(
        feedback_id=pl.lit("stray"), prediction_id=pl.lit("nobody"), rating=None, comment=None
    )
    return fill(loop, rows, outcomes(rows), pl.concat([ratings, stray]))


def test_the_trend_counts_rates_and_says_how_sure(rated):
    points = feedback_trend(rated, END)
    assert sum(p.n for p in points) == 8_000 // 10 - 4 + 1  # the last day's is not given yet
    assert sum(p.n_rated for p in points) == sum(p.n for p in points) - 1
    for p in points[1:]:
        assert p.rating_ci_low < p.rating_mean < p.rating_ci_high
        assert p.low_ci_low <= p.low_share <= p.low_ci_high
        assert p.model_version == "old"


def test_by_cohort_and_version(rated):
    points = feedback_trend(rated, END, cohort="state", by_version=True, weeks=4)
    assert {p.cohort_value for p in points} == {"SP", "RJ", "BA"}
    assert {p.rating_mean for p in points if p.cohort_value == "RJ"} == {2.0}
    assert {p.low_share for p in points if p.cohort_value == "RJ"} == {1.0}
    assert "(unlinked)" in {p.cohort_value for p in feedback_trend(rated, END, cohort="state")}
    with pytest.raises(UnknownNameError):
        feedback_trend(rated, END, cohort="moon")


def test_items_are_paged_filtered_masked_and_know_no_later_outcome(rated):
    page = feedback_items(rated, END, limit=10)
    assert (len(page.items), page.total) == (10, 797)
    assert all("ana@example.com" not in item.comment for item in page.items)
    assert [item.given_at for item in page.items] == sorted((i.given_at for i in page.items), reverse=True)
    assert {item.label for item in page.items} == {None}  # outcomes come ten days later
    assert {item.label for item in feedback_items(rated, END + timedelta(days=20), limit=10).items} == {0.0, 1.0}
    low = feedback_items(rated, END, max_rating=2, group=("state", "RJ"), text="LATE")
    assert {i.rating for i in low.items} == {2.0}
    assert feedback_items(rated, END, group=("state", "RJ"), max_rating=1).total == 0
    second = feedback_items(rated, END, limit=10, offset=10)
    assert not {i.feedback_id for i in second.items} & {i.feedback_id for i in page.items}


def test_a_loop_without_feedback(loop):
    assert feedback_trend(loop, END) == []
    assert feedback_items(loop, END).items == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to a.b+c@mail.example.com.br!", "write to [e-mail]!"),
        ("tel (11) 91234-5678", "tel [phone]"),
        ("+55 11 91234 5678 agora", "[phone] agora"),
        ("order 12345, R$ 1.299,90, 3 items", "order 12345, R$ 1.299,90, 3 items"),
        ("since 2018-03-01 or 01.03.2018", "since 2018-03-01 or 01.03.2018"),
        (None, None),
        ("", ""),
    ],
)
def test_masking(text, shown):
    assert masked(text) == shown


def test_intervals_of_small_samples():
    assert mean_interval(1, 4.0, None) is None
    assert wilson(0, 0) is None
    assert wilson(5, 5)[1] == 1.0
