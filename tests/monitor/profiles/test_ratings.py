"""Ratings out of profiles: what the rows say, whatever happens to the ratings or to the predictions they are about."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.doctor import _profiles
from loop_core.lake import maintain_lake
from loop_core.monitor import drift_scores, mean_ratings, service_health
from loop_core.monitor import ratings as rating_module
from loop_core.monitor.profiles import check_profiles, profile_series, refresh_profiles, settle_profiles, store
from loop_core.vocabulary import State
from loop_core.workspace import Loop
from tests.conftest import START
from tests.monitor.profiles.test_refresh import write
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
SHIFT = END - timedelta(days=28)


def said(rows: pl.DataFrame, seed: int = 0, worse_from=None) -> pl.DataFrame:
    """Every second prediction is rated, one to five, some days later; every twentieth person names no prediction."""
    rng, half = np.random.default_rng(seed), rows.gather_every(2)
    chances = np.array([0.1, 0.05, 0.1, 0.25, 0.5])
    given = half["predicted_at"] + pl.Series(rng.integers(0, 5 * 86_400, half.height) * 1_000_000).cast(
        pl.Duration("us")
    )
    values = rng.choice(5, half.height, p=chances) + 1.0
    if worse_from is not None:
        values = np.where((given >= worse_from).to_numpy(), 6 - values, values)
    return pl.DataFrame(
        {
            "feedback_id": "f" + half["prediction_id"],
            "prediction_id": half["prediction_id"].scatter(range(0, half.height, 20), None),
            "given_at": given,
            "rating": values,
        }
    )


@pytest.fixture
def rated(loop: Loop) -> Loop:
    rows = predictions()
    fill(loop, rows, ratings=said(rows))
    refresh_profiles(loop, actor="ana")
    return loop


def agrees(loop: Loop, monkeypatch: pytest.MonkeyPatch, as_of=END + timedelta(days=5)) -> None:
    """The stored profiles are a recount's, and the windows out of them are those of the rows."""
    refresh_profiles(loop, actor="ana")
    assert check_profiles(loop) == []
    for cohort in (None, "state"):
        with monkeypatch.context() as patched:
            patched.setattr(rating_module, "_from_rows", lambda *_: pytest.fail("rows were read"))
            stored = mean_ratings(loop, as_of, cohort=cohort)
        with monkeypatch.context() as patched:
            patched.setattr(rating_module, "_from_profiles", lambda *_: None)
            counted = mean_ratings(loop, as_of, cohort=cohort)
        assert len(stored) == len(counted) > 20
        for a, b in zip(stored, sorted(counted, key=lambda p: (p.window_start, p.cohort_value or "")), strict=True):
            (*place, low, high), (*expected, expected_low, expected_high) = map(dataclasses.astuple, (a, b))
            assert place[:5] == expected[:5]
            assert (a.mean, low or 0, high or 0) == pytest.approx(
                (b.mean, expected_low or 0, expected_high or 0), rel=1e-9
            )


def test_windows_are_those_of_the_rows(rated, monkeypatch):
    agrees(rated, monkeypatch)
    assert {p.cohort_value for p in mean_ratings(rated, END, cohort="state")} == {"SP", "RJ", "BA", "(unlinked)"}
    agrees(rated, monkeypatch, END - timedelta(days=30, hours=5))


def test_late_feedback_corrections_and_deletes_are_followed(rated, monkeypatch):
    table = rated.table("feedback")
    before = rated.lake.rows(f"select count(*) from {table}")[0][0]
    late = said(predictions(), seed=1).head(300).with_columns(feedback_id="late " + pl.col("feedback_id"))
    write(rated, f"insert into {table} by name from given_rows", late)
    assert refresh_profiles(rated, actor="ana").rows == 300
    agrees(rated, monkeypatch)
    write(rated, f"update {table} set rating = 1, given_at = given_at + interval 2 day where feedback_id < 'f01000'")
    write(rated, f"update {table} set rating = null where feedback_id > 'f07500' and rating = 5")
    agrees(rated, monkeypatch)
    write(rated, f"delete from {table} where feedback_id like 'late%'")
    write(rated, f"delete from {table} where feedback_id between 'f02000' and 'f03000'")
    agrees(rated, monkeypatch)
    assert 0 < rated.lake.rows(f"select count(*) from {table}")[0][0] < before


def shares(loop: Loop) -> dict[str | None, int]:
    """Cohort value → ratings in the profiles."""
    refresh_profiles(loop, actor="ana")
    sql = f"select cohort_value, sum(n)::int from {loop.table('profiles')} where subject = 'rating' and cohort = 'state' group by all"
    return dict(loop.lake.rows(sql))


def test_ratings_follow_predictions_that_change_their_cohort_go_and_come_back(rated, monkeypatch):
    write(rated, f"delete from {rated.table('feedback')} where prediction_id is null")
    table, before = rated.table("predictions"), shares(rated)
    write(rated, f"update {table} set state = 'SP' where state = 'RJ' and prediction_id >= '04000'")
    moved = shares(rated)
    assert moved["SP"] > before["SP"] + 200
    assert moved["RJ"] == before["RJ"] - (moved["SP"] - before["SP"])
    agrees(rated, monkeypatch)
    gone = rated.lake.frame(f"select * from {table} where prediction_id >= '07200'")
    write(rated, f"delete from {table} where prediction_id >= '07200'")
    alone = shares(rated)
    assert alone["(unlinked)"] == 400 - 20
    agrees(rated, monkeypatch)
    write(rated, f"insert into {table} by name from given_rows", gone)
    assert shares(rated) == moved
    agrees(rated, monkeypatch)


def test_only_what_changed_is_counted(rated):
    write(rated, f"update {rated.table('predictions')} set score = 0.5 where prediction_id < '00100'")
    assert refresh_profiles(rated, actor="ana").rows == 200
    write(rated, f"update {rated.table('feedback')} set rating = 2 where feedback_id = 'f00100'")
    assert refresh_profiles(rated, actor="ana").rows == 2
    write(rated, f"update {rated.table('feedback')} set comment = 'thanks' where feedback_id = 'f00102'")
    assert refresh_profiles(rated, actor="ana").rows == 2
    assert check_profiles(rated) == []


def test_where_the_past_expired_ratings_are_counted_again_and_nothing_else(rated, monkeypatch):
    settle_profiles(rated, actor="ana")
    write(rated, f"update {rated.table('feedback')} set rating = 3 where feedback_id < 'f00100'")
    followed = range(store.read_mark(rated).snapshot + 1, rated.lake.snapshot() + 1)
    maintain_lake(rated.lake, pinned=followed, older_than=END + timedelta(days=10**4))
    again = refresh_profiles(rated, actor="ana")
    assert (again.rebuilt, again.rows) == (False, 4_000)
    agrees(rated, monkeypatch)


def test_new_ratings_of_the_reference_make_new_bins(loop, monkeypatch):
    rows = predictions()
    fill(loop, rows)
    first = refresh_profiles(loop, actor="ana")
    write(loop, f"insert into {loop.table('feedback')} by name from given_rows", said(rows))
    again = refresh_profiles(loop, actor="ana")
    assert again.rebuilt
    assert again.binning != first.binning
    bins = profile_series(loop, END, columns=["rating"])[0].binning
    assert bins.labels == ("≤ 1", "1 – 2", "2 – 3", "3 – 4", "4 – 5", "> 5", "(null)")
    agrees(loop, monkeypatch)


@pytest.mark.parametrize("what", ["total = total + 1", "squares = squares * 2", "counts = list_reverse(counts)"])
def test_a_planted_error_is_found_and_mended(rated, what):
    day = (START + timedelta(days=30)).date()
    where = "subject = 'rating' and cohort_value = 'SP' and day = $day"
    write(rated, f"update {rated.table('profiles')} set {what} where {where}", day=day)
    assert check_profiles(rated) == [f"The profiles of {day} differ from its rows."]
    assert [check.state for check in _profiles(rated)] == ["broken"]
    settle_profiles(rated, actor="ana")
    assert check_profiles(rated) == []


def test_ratings_that_turn_drift_and_service_says_their_mean_without_reading_them(loop, monkeypatch):
    rows = predictions()
    fill(loop, rows, ratings=said(rows, worse_from=SHIFT))
    refresh_profiles(loop, actor="ana")
    monkeypatch.setattr(rating_module, "_from_rows", lambda *_: pytest.fail("rows were read"))
    found = drift_scores(loop, END, weeks=12, columns=["rating"])
    assert {s.feature for s in found} == {"rating"}
    after = [s for s in found if s.window_start >= SHIFT]
    assert after
    assert all(s.state is State.ALARM for s in after)
    assert not any(s.state is State.ALARM for s in found if s.window_end <= SHIFT)
    health = {p.window_start: p for p in service_health(loop, END, weeks=12)}
    newest, usual = health[END - timedelta(days=7)], health[SHIFT - timedelta(days=7)]
    assert newest.rating_mean < 2.6 < 3.6 < usual.rating_mean
    assert newest.rating_ci_low < newest.rating_mean < newest.rating_ci_high
    assert newest.n_ratings > 100


def test_values_that_the_profiles_put_together_are_told_by_the_rows(loop):
    rows = predictions().with_columns(
        state=pl.concat_str(pl.lit("S"), (pl.col("prediction_id").cast(pl.Int64) % 40).cast(pl.String))
    )
    fill(loop, rows, ratings=said(rows))
    refresh_profiles(loop, actor="ana")
    assert len({p.cohort_value for p in mean_ratings(loop, END, cohort="state")}) > 15
