"""What a charter may say of triggers, and what is refused when it is read."""

from __future__ import annotations

import pytest

from loop_core.charter import TriggerPlan, never_fires, parse_charter
from loop_core.errors import CharterError
from loop_core.vocabulary import Tier
from tests.conftest import CHARTER


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ('kind = "schedule"\ncron = "0 0 30 2 *"', "never fires"),
        ('kind = "schedule"\ncron = "0 0 31 4,6 *"', "never fires"),
        ('kind = "schedule"\ncron = "61 * * * *"', "bad minute"),
        ('kind = "schedule"\ncron = "every monday"', "five fields are wanted"),
        ('kind = "schedule"\ncron = "0 0 * * * *"', "five fields are wanted"),
        ('kind = "schedule"', "`every_days` or `cron`"),
        ('kind = "schedule"\nevery_days = 7\ncron = "0 6 1 * *"', "not both"),
        ('kind = "schedule"\nevery_days = 0', "every_days"),
        ('kind = "drift"', "needs `min_features`"),
        ('kind = "label_volume"', "needs `min_labels`"),
        ('kind = "any"', "needs `of`"),
        ('kind = "all"\nof = [{ kind = "drift" }]', "needs `min_features`"),
        ('kind = "performance"\nmin_rise = 0.1', "`metric` must say which"),
        ('kind = "never"\nmin_labels = 5', "it is for label_volume"),
        ('kind = "feedback"\nmax_low_share = 20', "max_low_share"),
        ('kind = "urgent"\nseconds_per_month = 0', "seconds_per_month"),
        ('kind = "moon"', "label_volume"),
    ],
)
def test_what_could_never_work_is_refused_with_its_line(trigger, said):
    line = CHARTER.count("\n") + 1
    with pytest.raises(CharterError) as refused:
        parse_charter(f"{CHARTER}[[triggers]]\n{trigger}\n")
    assert said in str(refused.value)
    assert any(f"charter:{line + k}:" in str(refused.value) for k in range(3))


@pytest.mark.parametrize("line", ["0 6 1 * *", "*/5 * * * *", "0 0 29 2 *", "30 4 * * MON", "0 0 L * *"])
def test_cron_lines(line):
    (plan,) = parse_charter(f'{CHARTER}[[triggers]]\nkind = "schedule"\ncron = "{line}"\n').triggers
    assert plan.cron == line


def test_a_tier_follows_from_the_kind_unless_it_is_said():
    kinds = ('"urgent"', '"performance"', '"every_week"', '"every_week"\ntier = "urgent"')
    text = CHARTER + "".join(f"[[triggers]]\nkind = {kind}\n" for kind in kinds)
    assert [plan.urgency for plan in parse_charter(text).triggers] == [
        Tier.URGENT,
        Tier.EVENT,
        Tier.ROUTINE,
        Tier.URGENT,
    ]


def test_a_metric_that_is_not_measured_is_refused():
    trigger = '[[triggers]]\nkind = "any"\nof = [{ kind = "performance", metric = "auc" }]\n'
    with pytest.raises(CharterError, match="waits for metric 'auc'"):
        parse_charter(CHARTER + trigger)
    assert parse_charter(CHARTER + trigger.replace("auc", "log_loss")).triggers[0].of[0].metric == "log_loss"


def test_of_all_the_most_urgent_part_tells_the_tier():
    urgent, patient = TriggerPlan(kind="urgent"), TriggerPlan(kind="label_volume", min_labels=5)
    assert TriggerPlan(kind="all", of=(patient, urgent)).urgency is Tier.URGENT
    assert TriggerPlan(kind="all", of=(patient, urgent), tier=Tier.EVENT).urgency is Tier.EVENT


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (TriggerPlan(kind="drift", min_features=4), "4 drifted features, and there are 3"),
        (TriggerPlan(kind="every_week", seconds_per_month=59), "a retrain is granted 60 s"),
        (TriggerPlan(kind="performance", metric="auc"), "waits for metric 'auc'"),
        (TriggerPlan(kind="drift", min_features=3), ""),
    ],
)
def test_triggers_that_are_not_the_charter_s_own_are_held_against_it_too(plan, said):
    whole = TriggerPlan(kind="any", of=(TriggerPlan(kind="never"), plan))
    why = never_fires(parse_charter(CHARTER), (whole,))
    assert said in why
    assert bool(why) is bool(said)
