"""What a loop decides, who is asked, what is on record, and what to do at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.models import Calibration, Manifest, ModelStore, register, register_external
from loop_core.monitor import Finding
from loop_core.release import first_release, rollback
from loop_core.retrain import bootstrap_external
from loop_core.status import loop_status
from loop_core.triggers import broken_features, decide, last_retrain, month_spend, record_decision, situation
from loop_core.triggers.remedy import remedy
from loop_core.vocabulary import State, Tier
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.release.duel import DAYS
from tests.triggers.test_triggers import NOW, drifts, finding

FAILING = finding("service.errors", State.ALARM, "error_share", value=0.2, threshold=0.02)


def with_triggers(workspace: Workspace, text: str) -> Loop:
    """A loop whose last retrain was at START."""
    charter = CHARTER.replace('owner = "ana"', 'owner = "ana"\napprovers = ["bea", "cem"]')
    loop = workspace.set_charter(charter + text, actor="ana", reason="triggers", as_of=START)
    loop.ledger.append(kind="retrain.finished", loop=loop.name, subject="m", actor="ana", as_of=START)
    return loop


def test_the_most_urgent_trigger_that_fired_names_the_tier_and_the_decision_is_on_record_once(workspace):
    plans = '[[triggers]]\nkind = "drift"\nmin_features = 1\ntier = "urgent"\n[[triggers]]\nkind = "every_week"\n[[triggers]]\nkind = "never"\n'
    loop = with_triggers(workspace, plans)
    decision = decide(loop, NOW, drifts(State.ALARM))
    assert (decision.retrain, decision.tier, decision.fired) == (True, Tier.URGENT, ("drift", "every_week"))
    assert loop.entries("trigger.decided") == []
    for _ in range(2):
        record_decision(loop, decision, actor="ana")
    (entry,) = loop.entries("trigger.decided")
    assert entry.payload["fired"] == ["drift", "every_week"]
    assert [one["distance"] for one in entry.payload["evaluated"]] == [1.0, 1.0, 0.0]
    assert entry.payload["evaluated"][0]["evidence"][0]["subject"] == "x0"
    assert entry.payload["spend"] == {"retrains": 0, "seconds": 0, "next_seconds": 60.0}


def test_a_loop_without_triggers_never_retrains(loop):
    decision = decide(loop, NOW, drifts(State.ALARM))
    assert not decision.retrain
    assert decision.sentence == "No retrain: the charter has no trigger."


@pytest.mark.parametrize(
    ("trigger", "findings", "people"),
    [
        ('kind = "every_week"', [], ("ana",)),
        ('kind = "drift"\nmin_features = 1', drifts(State.ALARM), ("dan",)),
        ('kind = "urgent"', [FAILING], ("ana", "bea", "cem")),
        ('kind = "urgent"\nasks = ["eve"]', [FAILING], ("eve",)),
        ('kind = "never"', [FAILING], ()),
    ],
)
def test_who_is_asked(workspace, trigger, findings, people):
    loop = with_triggers(workspace, f'[alerts.owners]\ntriggers = "dan"\n[[triggers]]\n{trigger}\n')
    assert decide(loop, NOW, findings).asks == people


def test_triggers_in_triggers(workspace):
    text = """
[[triggers]]
kind = "any"
cooldown_days = 7
of = [
  { kind = "all", of = [{ kind = "drift", min_features = 1 }, { kind = "schedule", cron = "0 0 1 * *" }] },
  { kind = "urgent" },
]
"""
    loop = with_triggers(workspace, text)
    decision = decide(loop, NOW, drifts(State.ALARM))
    assert (decision.fired, decision.tier) == (("drift", "schedule"), Tier.EVENT)
    assert decide(loop, NOW, [*drifts(State.OK), FAILING]).tier is Tier.URGENT


def test_an_urgent_decision_says_what_to_do_at_once(workspace):
    loop = with_triggers(workspace, '[[triggers]]\nkind = "urgent"\n')
    decision = decide(loop, NOW, [FAILING])
    assert decision.remedy is not None
    assert (decision.remedy.verb, decision.remedy.command) == ("fall_back", "")
    assert "no earlier champion" in decision.sentence

    champions(loop, "old", "new")
    decision = decide(loop, NOW, [FAILING])
    assert decision.remedy is not None
    assert (decision.remedy.verb, decision.remedy.to) == ("rollback", "old")
    assert decision.remedy.command.startswith("loop rollback orders --to old --reason ")
    assert record_decision(loop, decision, actor="ana").payload["remedy"]["to"] == "old"
    assert [said for said in loop_status(loop, NOW).waiting if "loop rollback orders --to old" in said]
    calm = decide(loop, NOW + timedelta(days=7), [])
    assert calm.remedy is None
    record_decision(loop, calm, actor="ana")
    assert not [said for said in loop_status(loop, calm.as_of).waiting if "rollback" in said]


def test_going_back_is_not_proposed_to_a_model_that_may_read_what_is_broken(loop):
    champions(loop, "old", "new")
    (one,) = situation_evidence(finding("quality.broken_feature", State.ALARM, "price", value=0.9, threshold=0.5))
    found = remedy(loop, NOW, [one])
    assert (found.verb, found.to) == ("fall_back", None)
    assert "mend the source of price" in found.sentence


def test_going_back_is_not_proposed_to_what_was_rolled_back_from(loop):
    champions(loop, "old", "new")
    rollback(loop, actor="ana", as_of=NOW - timedelta(days=1), reason="too many wrong warnings")
    found = remedy(loop, NOW, situation_evidence(FAILING))
    assert (found.verb, found.to) == ("fall_back", None)
    assert "every earlier champion was rolled back from" in found.sentence
    # The models of both sentences at once: one was rolled back from, the other may read what is broken.
    bootstrap_external(loop, "newest", actor="ana", as_of=NOW)
    loop.ledger.append(
        kind="release.promoted", loop=loop.name, subject="newest", actor="ana", as_of=NOW, payload={"proposal": None, "previous": "old"},
    )  # fmt: skip
    assert remedy(loop, NOW, situation_evidence(FAILING)).to == "old"
    broken = finding("quality.broken_feature", State.ALARM, "price", value=0.9, threshold=0.5)
    said = remedy(loop, NOW, situation_evidence(broken)).sentence
    assert "every earlier champion was rolled back from, or reads price too, or is damaged" in said


def test_old_windows_of_a_model_that_was_rolled_back_from_are_not_urgent(workspace):
    guarded = '[[metrics]]\nname = "brier"\nmargin = 0.01\nblock = "guardrail"\n[[triggers]]\nkind = "urgent"\n'
    loop = with_triggers(workspace, guarded)
    champions(loop, "old", "new")
    fell = finding("performance.brier", State.ALARM, "brier", model_version="new")
    assert decide(loop, NOW, [fell]).fired == ("urgent",)
    rollback(loop, actor="ana", as_of=NOW, reason="brier rose")
    assert decide(loop, NOW, [fell]).fired == ()


def test_what_was_granted_this_month_is_its_spend(loop):
    for day, seconds in ((95, 40.0), (99, 7.5), (20, 99.0)):
        loop.ledger.append(
            kind="retrain.finished", loop="orders", subject=f"m{day}", actor="ana", as_of=START + timedelta(days=day),
            payload={"budget": {"trials": 9, "seconds": seconds}},
        )  # fmt: skip
    spend = month_spend(loop, NOW)
    assert (spend.retrains, spend.seconds, spend.next_seconds) == (2, 47.5, 60.0)
    assert last_retrain(loop, NOW) == START + timedelta(days=99)


def test_a_model_of_somebody_else_is_no_retrain(loop):
    register_external(loop, "first", actor="ana", as_of=START)
    register_external(loop, "vendor", actor="ana", as_of=START + timedelta(days=50))
    assert last_retrain(loop, NOW) == START
    trained = ModelStore(loop.workspace).save("tree\n", Calibration(), Manifest(loop.name, START, train_end=START))
    register(loop, trained, actor="ana", as_of=START + timedelta(days=60))
    register_external(loop, "another", actor="ana", as_of=START + timedelta(days=70))
    assert last_retrain(loop, NOW) == START + timedelta(days=60)


def test_only_labels_that_matured_since_the_last_retrain_are_new(duel, end):
    plans = with_volume(duel)
    everything = situation(duel, end, [], plans).new_labels
    assert everything is not None
    duel.ledger.append(kind="retrain.finished", loop="orders", subject="m", actor="ana", as_of=end - timedelta(days=20))
    some = situation(duel, end, [], plans).new_labels
    horizon = timedelta(days=duel.charter.labels.horizon_days)
    counted = duel.lake.rows(
        f"select count(*) from {duel.table('predictions')} as p semi join {duel.table('outcomes')} as o using (prediction_id)"
        " where p.predicted_at > $after and p.predicted_at <= $newest",
        {"after": end - timedelta(days=20) - horizon, "newest": end - horizon},
    )[0][0]
    assert some == counted
    assert 0 < some < everything
    assert situation(duel, end, [], ()).new_labels is None


@pytest.mark.parametrize("value", [None, "XX"])
def test_a_feature_that_became_null_or_unseen_wholesale_is_broken(duel, value):
    newest = START + timedelta(days=DAYS)
    (quiet,) = {f.state for f in broken_features(duel, newest)}
    assert quiet is State.OK
    sql = f"update {duel.table('predictions')} set state = $value where predicted_at >= $week"
    duel.lake.write(
        lambda tx: tx.execute(sql, {"value": value, "week": newest - timedelta(days=7)}),
        actor="ana", message="the source broke",
    )  # fmt: skip
    assert [f.subject for f in broken_features(duel, newest) if f.state is State.ALARM] == ["state"]


def champions(loop: Loop, *names: str) -> None:
    for k, name in enumerate(names):
        bootstrap_external(loop, name, actor="ana", as_of=START)
        if k == 0:
            first_release(loop, name, actor="ana", as_of=START)
        else:
            loop.ledger.append(
                kind="release.promoted", loop=loop.name, subject=name, actor="ana", as_of=START + timedelta(days=k), payload={"proposal": None, "previous": None},
            )  # fmt: skip


def situation_evidence(*findings: Finding):
    from loop_core.triggers.base import evidence

    return evidence(findings)


def with_volume(loop: Loop):
    from loop_core.charter import TriggerPlan

    return (TriggerPlan(kind="label_volume", min_labels=10),)
