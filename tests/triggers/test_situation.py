"""What triggers look at besides the monitor's findings, and that it is read only where a plan asks for it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.charter import TriggerPlan
from loop_core.lake import Transaction
from loop_core.triggers import make, situation
from loop_core.triggers.situation import last_retrain
from loop_core.vocabulary import State
from tests.conftest import START
from tests.release.duel import DAYS

NEWEST = START + timedelta(days=DAYS)
RATED = TriggerPlan(kind="feedback", max_low_share=0.2)


def codes(loop, *plans: TriggerPlan) -> set[str]:
    return {finding.code for finding in situation(loop, NEWEST, [], plans).findings}


def test_only_what_a_plan_asks_for_is_read(duel):
    assert codes(duel, TriggerPlan(kind="every_week"), TriggerPlan(kind="performance")) == set()
    estimated = TriggerPlan(kind="performance", basis="estimated")
    assert codes(duel, estimated) == {"estimate.log_loss"}
    assert codes(duel, TriggerPlan(kind="any", of=(estimated, TriggerPlan(kind="urgent")))) == {
        "estimate.log_loss",
        "quality.broken_feature",
    }


def test_an_estimate_of_the_newest_window_is_there_before_its_labels(duel):
    seen = situation(duel, NEWEST, [], (TriggerPlan(kind="performance", basis="estimated"),))
    (found,) = seen.findings
    assert found.window_end == NEWEST
    reading = make(TriggerPlan(kind="performance", basis="estimated")).read(seen)
    assert (reading.fired, reading.distance) == (False, 0.0)
    assert found.state is State.OK
    assert abs(found.impact) < 0.05


@pytest.mark.parametrize(("low", "fired"), [(12, True), (3, False)])
def test_the_share_of_low_ratings_in_the_newest_window(duel, low, fired):
    rate(duel, [1] * low + [5] * (40 - low), NEWEST - timedelta(days=2))
    reading = make(RATED).read(situation(duel, NEWEST, [], (RATED,)))
    assert reading.fired is fired
    assert reading.distance == (1.0 if fired else pytest.approx(low / 40 / 0.2))
    # A month later nobody has said anything for a while.
    assert make(RATED).read(situation(duel, NEWEST + timedelta(days=30), [], (RATED,))).distance is None


@pytest.mark.parametrize(("low", "fired"), [(12, ["strict"]), (24, ["strict", "lenient"])])
def test_each_trigger_holds_low_ratings_against_its_own_limit(duel, low, fired):
    rate(duel, [1] * low + [5] * (40 - low), NEWEST - timedelta(days=2))
    limits = {"strict": 0.2, "lenient": 0.5}
    plans = {name: TriggerPlan(kind="feedback", max_low_share=limit) for name, limit in limits.items()}
    seen = situation(duel, NEWEST, [], (TriggerPlan(kind="any", of=tuple(plans.values())),))
    readings = {name: make(plan).read(seen) for name, plan in plans.items()}
    assert [name for name, reading in readings.items() if reading.fired] == fired
    assert readings["lenient"].distance == pytest.approx(min(1.0, low / 40 / 0.5))
    for name, reading in readings.items():
        assert f"{limits[name]:.0%} are allowed" in reading.sentence
        assert [one.threshold for one in reading.evidence] == [limits[name]]


def test_a_few_low_ratings_say_nothing(duel):
    rate(duel, [1] * 10, NEWEST - timedelta(days=2))
    assert make(RATED).read(situation(duel, NEWEST, [], (RATED,))).distance is None


def test_a_loop_that_never_trained_has_no_last_retrain(loop):
    assert last_retrain(loop, NEWEST) is None
    volume = TriggerPlan(kind="label_volume", min_labels=5)
    assert situation(loop, NEWEST, [], (volume,)).new_labels == 0


def rate(loop, ratings, when) -> None:
    said = pl.DataFrame({"feedback_id": [f"f{k}" for k in range(len(ratings))], "rating": [float(r) for r in ratings]})

    def body(tx: Transaction) -> None:
        tx.register("said", said)
        tx.execute(
            f"insert into {loop.table('feedback')} (feedback_id, given_at, kind, rating)"
            " select feedback_id, $when::timestamptz, 'review', rating from said",
            {"when": when},
        )

    loop.lake.write(body, actor="ana", message="ratings")
