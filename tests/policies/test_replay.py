"""Policies over a past that turns over: what they do, what they cost, what they could know, and that nothing is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from loop_core.charter import TriggerPlan
from loop_core.errors import CharterError, NotReadyError, RefusedError, StoppedError
from loop_core.labels import known_at
from loop_core.monitor.losses import log_losses
from loop_core.policies import Policy, parse_policy, policy_in_force, replay_policies
from loop_core.policies import learner as learning
from loop_core.policies.cache import Cache
from loop_core.policies.learner import Learner
from loop_core.policies.past import Past
from loop_core.policies.seen import Seen
from loop_core.triggers.feedback import LOW_SHARE
from loop_core.vocabulary import State
from loop_core.workspace import Workspace
from tests.conftest import START
from tests.policies.conftest import DAYS, TURN, WORLD, day, fill, request
from tests.triggers.test_situation import rate

WATCHFUL = Policy("watchful", (TriggerPlan(kind="performance", cooldown_days=21),))
LEARNING = Policy("learning", (TriggerPlan(kind="label_volume", min_labels=600),))


def test_a_policy_that_watches_pays_where_the_world_turns(world):
    snapshot, entries = world.lake.snapshot(), world.ledger.length()
    found = replay_policies(world, [WATCHFUL, LEARNING], request())
    assert (world.lake.snapshot(), world.ledger.length()) == (snapshot, entries)

    never, always, watchful = found.run("never"), found.run("every_week"), found.run("watchful")
    assert (len(never.retrains), len(always.retrains)) == (0, 12)
    assert [len(found.run(f"every {n} weeks").retrains) for n in (4, 8)] == [6, 3]
    assert len({run.n for run in found.runs}) == 1
    assert always.value < watchful.value < never.value
    assert 1 <= len(watchful.retrains) <= 5
    # Not before the turn could be seen: a label takes ten days and a window seven.
    assert watchful.retrains[0].as_of >= day(TURN + 7)
    assert watchful.retrains[0].fired == ("performance",)
    assert all(one.n_rows and one.train_end <= one.as_of - timedelta(days=17) for one in always.retrains)
    # Every other step: 600 labels take 30 days.
    assert len(found.run("learning").retrains) == 4
    assert watchful.granted_seconds == 30 * len(watchful.retrains)

    best = found.run(found.best_fixed)
    assert best.value == min(r.value for r in found.runs if r.name.startswith("every"))
    assert (best.difference, best.ci_low, best.ci_high) == (0, 0, 0)
    assert 0 < never.ci_low < never.difference == pytest.approx(never.value - best.value)
    for run in found.runs:
        assert len(run.windows) == 13
        assert sum(w.value * w.n for w in run.windows) / run.n == pytest.approx(run.value)


def test_never_is_the_first_model_on_everything(world):
    asked = request()
    model = Learner(world, world.lake.snapshot(), 0, 20, Cache(world)).at(asked.start).model
    rows = known_at(world, asked.as_of).frame(
        "select * from rows where label is not null and predicted_at >= $start and predicted_at < $end",
        start=asked.start,
        end=asked.end,
    )
    by_hand = log_losses(rows["label"].to_numpy(), model.score(rows)).mean()
    assert replay_policies(world, [], asked).run("never").value == pytest.approx(by_hand)


def test_nothing_later_is_known_to_a_policy(world, tmp_path):
    """The same past, once with all that came after and once before it came."""
    until = day(191)
    with Workspace.create(tmp_path / "then") as then:
        earlier = fill(then.set_charter(WORLD, actor="ana", reason="first", as_of=START), known_until=until)
        policies, asked = [WATCHFUL, LEARNING], request(191, as_of=until)
        one, other = (replay_policies(loop, policies, asked) for loop in (world, earlier))
    assert len(one.run("watchful").retrains) > 0
    for a, b in zip(one.runs, other.runs, strict=True):
        free = [[replace(r, seconds=0.0) for r in run.retrains] for run in (a, b)]
        assert free[0] == free[1]
        assert a.windows == b.windows


def test_a_second_call_fits_nothing_and_a_changed_file_is_not_believed(world, monkeypatch):
    first = replay_policies(world, [], request(120))

    def no_fit(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr(learning, "fit", no_fit)
    assert replay_policies(world, [], request(120)) == first
    # Later rows make a new snapshot, but not other trainings.
    world.lake.write(
        lambda tx: tx.execute(f"delete from {world.table('predictions')} where predicted_at >= $late", {"late": day(200)}),
        actor="ana", message="later rows",
    )  # fmt: skip
    assert replay_policies(world, [], request(120)).runs == first.runs

    for file in (world.workspace.path / "cache").rglob("*.json"):
        file.write_text(file.read_text().replace("tree", "three"))
    with pytest.raises(AssertionError, match="fitted again"):
        replay_policies(world, [], request(120))
    monkeypatch.undo()
    assert [r.value for r in replay_policies(world, [], request(120)).runs] == [r.value for r in first.runs]


def test_another_seed_is_another_model(world):
    one, other = (replay_policies(world, [], request(120, seed=seed)).run("never") for seed in (0, 1))
    assert one.value != other.value


def test_drift_is_told_against_the_rows_that_the_serving_model_learned_from(world):
    week = {"week": day(150)}
    world.lake.write(
        lambda tx: tx.execute(f"update {world.table('predictions')} set weight = weight + 5 where predicted_at >= $week", week),
        actor="ana", message="another scale",
    )  # fmt: skip
    policy = Policy("drift", (TriggerPlan(kind="drift", min_features=1, cooldown_days=42),))
    retrains = replay_policies(world, [policy], request(220)).run("drift").retrains
    # Once more, because the first had learned of the old scale only; by the second the new one was there.
    assert [(one.as_of - START).days for one in retrains] == [154, 196]
    assert "weight" in retrains[0].sentence


def test_what_is_broken_is_urgent(world):
    world.lake.write(
        lambda tx: tx.execute(f"update {world.table('predictions')} set weight = null where predicted_at >= $week", {"week": day(100)}),
        actor="ana", message="the source broke",
    )  # fmt: skip
    policy = Policy("urgent", (TriggerPlan(kind="urgent", cooldown_days=28),))
    run = replay_policies(world, [policy], request(130)).run("urgent")
    assert [(one.as_of - START).days for one in run.retrains] == [112]
    assert "weight is null" in run.retrains[0].sentence


def test_a_month_s_budget_holds(world):
    plan = TriggerPlan(kind="every_week", seconds_per_month=60)
    asked = request(170, every=timedelta(days=7))
    run = replay_policies(world, [Policy("thrifty", (plan,))], asked).run("thrifty")
    months = [one.as_of.month for one in run.retrains]
    assert [months.count(month) for month in (4, 5)] == [2, 2]


def test_refusals(world):
    with pytest.raises(RefusedError, match="from before to"):
        request(60)
    with pytest.raises(RefusedError, match="not after as of"):
        request(240, as_of=day(239))
    with pytest.raises(RefusedError, match="each name once"):
        replay_policies(world, [Policy("never", ())], request())
    with pytest.raises(CharterError, match=r"Policy 'mine'.*4 drifted features, and there are 3"):
        replay_policies(world, [Policy("mine", (TriggerPlan(kind="drift", min_features=4),))], request())
    with pytest.raises(NotReadyError, match="too few"):
        replay_policies(world, [], replace(request(), start=day(20)))
    with pytest.raises(StoppedError):
        replay_policies(world, [], request(), should_stop=lambda: True)
    with pytest.raises(CharterError, match=r"mine:1: .*never fires"):
        parse_policy("mine", '[[triggers]]\nkind = "schedule"\ncron = "0 0 30 2 *"')
    with pytest.raises(CharterError, match="triggers"):
        parse_policy("mine", "")


def test_low_ratings_are_held_against_the_limit_of_each_trigger(world):
    rate(world, [1] * 12 + [5] * 28, day(99))
    plans = tuple(TriggerPlan(kind="feedback", max_low_share=limit) for limit in (0.5, 0.2))
    seen = Seen(world, world.lake.snapshot(), Cache(world)).findings(plans, day(100), (day(0), day(60)))
    low = {finding.threshold: finding.state for finding in seen if finding.code == LOW_SHARE}
    assert low == {0.2: State.ALARM, 0.5: State.OK}


def test_labels_that_are_still_to_come_are_left_out(world):
    early = replay_policies(world, [policy_in_force(world)], request(as_of=day(DAYS)))
    last = early.run("never").windows[-1]
    assert (last.n, last.value) == (0, None)
    assert last.mature_share == 0
    late = replay_policies(world, [], request())
    assert late.run("never").n > early.run("never").n
    assert np.isclose(late.run("never").windows[0].value, early.run("never").windows[0].value)


def test_of_very_many_predictions_an_even_sample_is_judged(world):
    whole = Past.of(world, world.lake.snapshot(), day(70), day(120))
    part = Past.of(world, world.lake.snapshot(), day(70), day(120), most=400)
    assert (len(whole.at), whole.predictions, part.predictions) == (1_000, 1_000, 1_000)
    assert 340 < len(part.at) < 460
    assert len(part.known(day(90)).labels) == part.place(day(90))
    assert set(part.at) < set(whole.at)
