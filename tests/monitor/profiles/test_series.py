"""Windows out of profiles: the same as out of rows, whole days or not, and stated outcomes for odd columns."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.monitor import kept
from loop_core.monitor.profiles import daily, profile_series, refresh_profiles, store
from loop_core.windows import Windows
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
NOON = timedelta(hours=12)


@pytest.fixture(params=["profiles", "rows"])
def path(request, monkeypatch):
    """From where windows are counted."""
    if request.param == "rows":
        monkeypatch.setattr(daily, "_current", lambda *_: None)
    return request.param


@pytest.mark.parametrize("as_of", [END, END - timedelta(days=20) + NOON])
def test_windows_are_the_rows_counted_by_hand(loop, path, as_of):
    rows = predictions()
    found = profile_series(fill(loop, rows), as_of, weeks=5, cohort="state")
    assert {s.column for s in found} == {"price", "weight", "state", "score"}
    one = next(s for s in found if s.column == "weight" and s.cohort_value == "SP")
    windows = Windows.at(as_of, 7)
    for number, counts, mean_n, total in zip(one.numbers, one.counts, one.moments.n, one.moments.total, strict=True):
        start, end = windows.span(number)
        inside = rows.filter(
            (pl.col("predicted_at") >= start) & (pl.col("predicted_at") < min(end, as_of)) & (pl.col("state") == "SP")
        )["weight"]
        assert counts.sum() == mean_n == len(inside)
        assert total == pytest.approx(inside.sum())
        expected = np.bincount(np.searchsorted(one.binning.edges, inside.to_numpy()), minlength=len(counts) - 1)
        assert counts[:-1].tolist() == expected.tolist()
    assert one.numbers == (-4, -3, -2, -1, 0)


def test_profiles_and_rows_say_the_same(loop, monkeypatch):
    fill(loop, predictions())
    as_of = END - timedelta(days=3) + NOON
    stored = profile_series(loop, as_of, weeks=20, cohort="state")
    monkeypatch.setattr(daily, "_current", lambda *_: None)
    kept._BY_LAKE.clear()
    counted = profile_series(loop, as_of, weeks=20, cohort="state")
    assert len(stored) == len(counted) > 8
    for a, b in zip(stored, counted, strict=True):
        assert (a.column, a.cohort_value, a.numbers) == (b.column, b.cohort_value, b.numbers)
        assert a.counts.tolist() == b.counts.tolist()
        assert a.reference.tolist() == b.reference.tolist()


def test_no_row_is_read_for_whole_days(loop, monkeypatch):
    fill(loop, predictions())
    refresh_profiles(loop, actor="ana")

    def refuse(*_: object) -> None:
        raise AssertionError("rows were read")

    monkeypatch.setattr(daily.Days, "_from_rows", refuse)
    assert len(profile_series(loop, END, weeks=52)) == 4
    with pytest.raises(AssertionError, match="rows were read"):
        profile_series(loop, END - NOON, weeks=52)


def test_new_values_have_their_natural_rate_in_the_reference(loop, path):
    """A fifth of the rows has a value that never comes again: so it is in the reference, and after."""
    rows = predictions()
    tail = pl.col("prediction_id").cast(pl.Int64) % 5 == 0
    named = rows.with_columns(state=pl.when(tail).then("id " + pl.col("prediction_id")).otherwise(pl.lit("SP")))
    found = next(s for s in profile_series(fill(loop, named), END, weeks=4) if s.column == "state")
    unseen = found.binning.labels.index("(unseen)")
    assert found.reference[:, unseen].sum() / found.reference.sum() == pytest.approx(0.2, abs=0.01)
    assert found.counts[:, unseen].sum() / found.counts.sum() == pytest.approx(0.2, abs=0.01)


def test_values_of_a_cohort_beyond_the_largest_of_the_reference_are_the_rest(loop, path):
    late = pl.col("predicted_at") >= END - timedelta(days=14)
    rows = predictions().with_columns(state=pl.when(late).then(pl.lit("NEW")).otherwise(pl.col("state")))
    found = profile_series(fill(loop, rows), END, weeks=2, cohort="state", columns=["price"])
    assert [s.cohort_value for s in found] == ["(other)"]
    assert found[0].reference.shape[0] == 0


@pytest.mark.parametrize("value", [None, 7.0, float("nan"), float("inf"), 1e300])
def test_odd_numbers_have_bins_and_finite_sums(loop, path, value):
    rows = predictions().with_columns(weight=pl.lit(value, dtype=pl.Float64))
    found = next(s for s in profile_series(fill(loop, rows), END, weeks=2) if s.column == "weight")
    assert found.counts.sum(axis=1).tolist() == [280, 280]
    assert np.isfinite(found.moments.total).all()
    assert found.moments.nulls.tolist() == ([280, 280] if value is None or value != value else [0, 0])


def test_latency_when_asked_for_and_nothing_without_predictions(loop):
    assert profile_series(loop, END) == []
    fill(loop, predictions())
    assert [s.column for s in profile_series(loop, END, columns=["latency_ms"])] == ["latency_ms"]


def test_a_new_feature_of_the_charter_is_profiled_anew(loop):
    from tests.conftest import CHARTER

    fill(loop, predictions())
    first = refresh_profiles(loop, actor="ana")
    more = CHARTER.replace("[[cohorts]]", '[[features]]\nname = "size"\ntype = "number"\n\n[[cohorts]]', 1)
    changed = loop.workspace.set_charter(more, actor="ana", reason="more", as_of=END)
    again = refresh_profiles(changed, actor="ana")
    assert again.rebuilt
    assert again.binning != first.binning
    size = next(s for s in profile_series(changed, END, weeks=1) if s.column == "size")
    assert size.counts[0].tolist() == [0, 280]
    # Who still holds the former charter counts rows, and does not fight over the profiles.
    assert store.read_mark(changed).binning == again.binning
