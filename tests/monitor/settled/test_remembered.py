"""What a process remembers of windows is what another process reads of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.monitor import estimated_performance, service_health
from loop_core.monitor.estimate import estimated, reference
from loop_core.workspace import Loop, Workspace
from tests.monitor.settled.test_settled import END, assert_same, correct, delete, serve, world


@pytest.fixture
def some(loop: Loop) -> Loop:
    return world(loop)


def looked(loop: Loop) -> list[object]:
    found: list[object] = []
    for cohort in (None, "state"):
        found += estimated_performance(loop, END, cohort=cohort, metrics=["brier"], weeks=12)
        found += service_health(loop, END, cohort, weeks=12)
    return found


@pytest.mark.parametrize("step", [correct, serve, delete])
def test_a_change_is_seen_by_who_remembers(some, step):
    before = looked(some)
    step(some, 3)
    after = looked(some)
    with Workspace.open(some.workspace.path) as elsewhere:
        assert_same(after, looked(elsewhere.loop("orders")))
    with pytest.raises(AssertionError):
        assert_same(after, before)


def test_a_reference_is_fitted_once_and_scores_are_read_once(some, monkeypatch):
    at = END + timedelta(days=70)
    first = estimated_performance(some, at, metrics=["brier"])
    monkeypatch.setattr(reference, "_fitted", lambda *_: pytest.fail("fitted again"))
    monkeypatch.setattr(estimated, "_read", lambda *_: pytest.fail("read again"))
    assert estimated_performance(some, at, metrics=["brier"]) == first
