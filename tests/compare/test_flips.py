"""Rows that two models answer differently: counted right, for every group, and found again."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from loop_core.compare import compare
from loop_core.compare.flips import flips
from loop_core.compare.overlay import calibration_overlay
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.labels import known_at


def card(loop, challenger, as_of):
    return compare(loop, challenger, against="old", as_of=as_of, record=False)


def truth(loop, as_of) -> pl.DataFrame:
    """Label, both scores and state of every compared row, by SQL."""
    return known_at(loop, as_of).frame(
        "select r.prediction_id, r.label, r.score as old, s.score as good, r.state, r.price from rows r"
        " join scores s on s.prediction_id = r.prediction_id and s.model_version = 'good' where r.label is not null"
    )


def test_the_two_by_two_table_is_that_of_the_rows(duel, end) -> None:
    rows = truth(duel, end)
    was, now = ((rows[name] >= 0.5) == (rows["label"] == 1) for name in ("old", "good"))
    found = flips(duel, card(duel, "good", end))
    everybody = found.chosen
    assert (everybody.n, everybody.fixed, everybody.broken, everybody.both_wrong) == (
        rows.height,
        (~was & now).sum(),
        (was & ~now).sum(),
        (~was & ~now).sum(),
    )
    assert everybody.net == pytest.approx((everybody.fixed - everybody.broken) / rows.height)
    d = now.cast(int) - was.cast(int)
    half = 1.9606 * d.std() / np.sqrt(rows.height)
    assert everybody.ci_low == pytest.approx(everybody.net - half, rel=1e-3)
    assert everybody.weekly == pytest.approx((everybody.fixed - everybody.broken) * 7 / 200, rel=0.01)
    assert sum(c.fixed for c in found.counts[1:]) == everybody.fixed
    assert [c.net for c in found.counts[1:]] == sorted(c.net for c in found.counts[1:])


def test_a_group_opens_its_rows_with_features_label_and_both_scores(duel, end) -> None:
    rows = {row["prediction_id"]: row for row in truth(duel, end).to_dicts()}
    found = flips(duel, card(duel, "good", end), cohort="state", value="RJ", limit=20)
    assert found.chosen.cohort_value == "RJ"
    assert [one.kind for one in found.rows] == ["broken"] * 10 + ["fixed"] * 10
    for one in found.rows:
        row = rows[one.prediction_id]
        assert (one.columns["state"], one.champion, one.challenger) == ("RJ", row["old"], row["good"])
        assert one.label == ("late" if row["label"] == 1 else "not late")
        assert {one.champion_says, one.challenger_says} == {"late", "not late"}
        assert (one.challenger_says == one.label) == (one.kind == "fixed")
    moved = [abs(one.challenger - one.champion) for one in found.rows]
    assert moved[:10] == sorted(moved[:10], reverse=True)


def test_a_limit_bounds_the_rows_and_nothing_else(duel, end) -> None:
    none = flips(duel, card(duel, "good", end), limit=0)
    every = flips(duel, card(duel, "good", end), limit=10_000)
    assert none.rows == ()
    assert none.counts == every.counts
    assert len(every.rows) == every.chosen.fixed + every.chosen.broken
    with pytest.raises(RefusedError):
        flips(duel, card(duel, "good", end), limit=-1)


def test_a_group_that_is_not_there_is_named(duel, end) -> None:
    with pytest.raises(UnknownNameError, match="SP"):
        flips(duel, card(duel, "good", end), cohort="state", value="XX")
    with pytest.raises(UnknownNameError, match="state"):
        calibration_overlay(duel, card(duel, "good", end), cohort="city", value="SP")


def test_a_model_beside_itself_flips_nothing(duel, end) -> None:
    found = flips(duel, card(duel, "old", end))
    assert (found.chosen.fixed, found.chosen.broken, found.rows) == (0, 0, ())
    assert (found.chosen.ci_low, found.chosen.ci_high) == (0.0, 0.0)


def test_calibration_of_both_on_the_same_rows(duel, end) -> None:
    first, second = calibration_overlay(duel, card(duel, "good", end))
    assert (first.model_version, second.model_version) == ("old", "good")
    assert first.n == second.n == truth(duel, end).height
    assert sum(one.n for one in first.bins) == first.n
    assert second.ece < first.ece
    inside, _ = calibration_overlay(duel, card(duel, "good", end), cohort="state", value="RJ")
    assert (inside.cohort_value, inside.n) == ("RJ", (truth(duel, end)["state"] == "RJ").sum())
