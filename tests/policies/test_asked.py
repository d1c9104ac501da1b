"""What the page asks of a job, and what it refuses before there is one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.policies import requested
from loop_core.errors import CharterError, RefusedError
from loop_core.policies import policy_text
from tests.policies.conftest import WORLD, day

VOLUME = '[[triggers]]\nkind = "label_volume"\nmin_labels = 400'
FIRST, LAST, PRESENT = day(70).date(), day(120).date(), day(140)


def test_a_policy_that_could_never_fire_here_is_not_queued(world):
    with pytest.raises(CharterError, match="waits for metric 'auc'"):
        requested(world, PRESENT, '[[triggers]]\nkind = "performance"\nmetric = "auc"', FIRST, LAST)
    with pytest.raises(CharterError, match="a retrain is granted 30 s"):
        requested(world, PRESENT, '[[triggers]]\nkind = "every_week"\nseconds_per_month = 10', FIRST, LAST)


def test_a_span_that_is_none_is_not_queued(world):
    with pytest.raises(RefusedError, match="from before to"):
        requested(world, PRESENT, VOLUME, LAST, FIRST)
    with pytest.raises(RefusedError, match="not after as of"):
        requested(world, day(120) - timedelta(seconds=1), VOLUME, FIRST, LAST)


def test_the_job_is_asked_for_the_span_and_for_what_is_not_in_force(world):
    asked = requested(world, PRESENT, VOLUME, FIRST, LAST)
    assert asked == {"policies": {"tried here": VOLUME}, "start": day(70).isoformat(), "end": day(120).isoformat()}
    own = world.workspace.set_charter(f"{WORLD}\n{VOLUME}\n", actor="ana", reason="in force", as_of=day(0))
    assert requested(own, PRESENT, policy_text(own.charter.triggers), FIRST, LAST)["policies"] == {}
