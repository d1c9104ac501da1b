"""The page Triggers: what fires, what was decided, and a policy tried on the past."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import loop_core.triggers as triggers
from loop_core.jobs import list_jobs
from loop_core.policies import save_replay
from loop_core.triggers import Remedy
from loop_core.workspace import Workspace
from tests.charts import made
from tests.once import once
from tests.pages.conftest import Open, build, charts_of, keyed, quiet, said


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that these tests change."""
    return once(tmp_path_factory, "full", build)


def table_with(test: AppTest, column: str) -> Any:
    (found,) = [frame.value for frame in test.dataframe if column in frame.value.columns]
    return found


def test_what_each_trigger_says_and_what_was_decided(app: Open, full: Path) -> None:
    test = app(full, "triggers")
    quiet(test)
    readings = table_with(test, "how far")
    assert set(readings["trigger"]) == {"drift", "schedule"}
    assert readings["how far"].dropna().between(0, 1).all()
    decided = table_with(test, "because of")
    assert len(decided) == 1


def test_a_policy_is_queued_and_a_bad_one_is_not(app: Open, own: Path) -> None:
    test = app(own, "triggers")
    assert "No replay yet" in said(test)
    assert 'kind = "drift"' in keyed(test.text_area, "policy_text").value
    keyed(test.text_area, "policy_text").set_value('[[triggers]]\nkind = "schedule"\ncron = "0 0 30 2 *"')
    keyed(test.button, "policy_start").click().run()
    assert "never fires" in test.error[0].value
    assert not list_jobs(Workspace.open(own), loop="deliveries")

    keyed(test.text_area, "policy_text").set_value('[[triggers]]\nkind = "label_volume"\nmin_labels = 500')
    keyed(test.button, "policy_start").click().run()
    quiet(test)
    (job,) = list_jobs(Workspace.open(own), loop="deliveries")
    assert (job.kind, list(job.params["policies"])) == ("policies", ["tried here"])


def test_a_result_is_shown_with_its_charts(app: Open, own: Path) -> None:
    with Workspace.open(own) as ws:
        found = save_replay(ws.loop("deliveries"), made.policies())
    test = app(own, "triggers")
    quiet(test)
    assert test.selectbox(key="replay").value == found.id
    assert charts_of(test) == 2
    assert list(table_with(test, "against the best fixed")["policy"]) == [
        "tried",
        "never",
        "every_week",
        "every 4 weeks ★",
    ]
    assert "Log loss and retrains: tried 0.3100 with 1" in said(test)


def test_what_not_to_wait_for_is_said_first(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = triggers.decide_now
    remedy = Remedy("rollback", "Roll back from b to a now.", "a", "loop rollback deliveries --to a")
    monkeypatch.setattr(triggers, "decide_now", lambda loop, as_of: replace(honest(loop, as_of), remedy=remedy))
    test = app(full, "triggers")
    quiet(test)
    assert "Roll back from b to a now." in said(test)
    assert [code.value for code in test.code if "rollback" in code.value] == [remedy.command]
