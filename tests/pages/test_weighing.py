"""Overrides, several challengers, the trade-off and a first release, on their pages."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from loop_core.compare import compare, latest_scorecard, overrides_of
from loop_core.compare.rivals import compare_many
from loop_core.compare.tradeoff import tradeoff
from loop_core.compare.tradeoffs import save_tradeoff
from loop_core.jobs import list_jobs
from loop_core.models import register_external
from loop_core.recipes import Simulation, import_recipe
from loop_core.workspace import Loop, Workspace
from tests.once import once
from tests.pages.conftest import END, Open, build, charts_of, keyed, quiet, said

ME = getpass.getuser()


def loop_of(folder: Path) -> Loop:
    return Workspace.open(folder).loop("deliveries")


def walk_to(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"../pages/{page}.py").run()


def held(loop: Loop) -> Loop:
    """Every carrier must be decided, which so few rows cannot do; whoever runs the tests may set that aside."""
    text = loop.entries("charter.changed")[-1].payload["text"]
    carrier = '[[cohorts]]\nname = "carrier"\n'
    assert carrier in text
    strict = text.replace(carrier, f"{carrier}must_decide = true\n") + f'\n[compare]\noverriders = ["{ME}"]\n'
    changed = loop.workspace.set_charter(strict, actor="ana", reason="every carrier", as_of=END)
    compare(changed, "challenger-1", as_of=END, actor="ana")
    return changed


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of the test's own, in which `challenger-1` is held."""
    folder = once(tmp_path_factory, "full", build)
    with Workspace.open(folder) as ws:
        held(ws.loop("deliveries"))
    return folder


def test_a_gate_is_set_aside_with_a_reason_and_shown_wherever_the_release_is(app: Open, own: Path) -> None:
    test = app(own, "compare")
    assert "carrier decided: this keeps the challenger from being proposed" in said(test)
    assert keyed(test.button, "override").disabled
    keyed(test.selectbox, "override_gate").select("carrier decided").run()
    keyed(test.text_input, "override_reason").set_value("the islands are served by hand").run()
    keyed(test.button, "override").click().run()
    quiet(test)
    line = "carrier decided (held) was set aside by"
    assert line in said(test)
    assert "carrier decided" not in keyed(test.selectbox, "override_gate").options
    keyed(test.button, "propose").click().run()
    quiet(test)
    walk_to(test, "release")
    quiet(test)
    assert line in said(test)
    assert "the islands are served by hand" in said(test)
    test.selectbox(key="actor").select("reviewer").run()
    assert "Only" in said(test)
    assert keyed(test.button, "override_p1").disabled
    card = latest_scorecard(loop_of(own), "challenger-1")
    assert card is not None
    assert list(overrides_of(loop_of(own), card.id)) == ["carrier decided"]


def test_who_may_not_is_told_who_may(app: Open, full: Path) -> None:
    test = app(full, "compare")
    assert f"Only ana may; you act as {ME}." in said(test)
    keyed(test.text_input, "override_reason").set_value("I want it").run()
    assert keyed(test.button, "override").disabled


def test_several_at_once(app: Open, own: Path) -> None:
    test = app(own, "compare", detail="Several at once")
    assert "No comparison of several yet" in said(test)
    keyed(test.button, "rivals_run").click().run()
    quiet(test)
    job = list_jobs(Workspace.open(own), loop="deliveries")[0]
    assert (job.kind, job.params["challengers"], job.params["against"]) == ("rivals", ["challenger-1"], "incumbent-1")
    compare_many(loop_of(own), ["challenger-1"], as_of=END, actor="ana")
    test = app(own, "compare", detail="Several at once")
    quiet(test)
    assert "on the same" in said(test)
    assert any("worse for" in frame.value.columns for frame in test.dataframe)


def test_the_trade_off(app: Open, own: Path) -> None:
    test = app(own, "compare", detail="Trade-off")
    assert "Not measured yet" in said(test)
    keyed(test.button, "tradeoff_run").click().run()
    quiet(test)
    job = list_jobs(Workspace.open(own), loop="deliveries")[0]
    assert (job.kind, job.params["with"]) == ("tradeoff", ["incumbent-1", "challenger-1"])
    save_tradeoff(loop_of(own), tradeoff(loop_of(own), END))
    test = app(own, "compare", detail="Trade-off")
    quiet(test)
    assert "each gives something up" in said(test)
    assert any("not known" in frame.value.columns for frame in test.dataframe)


def unreleased(folder: Path) -> Path:
    """The same loop before any release: two models that only logged scores, and one comparison with nobody."""
    with Workspace.create(folder) as ws:
        loop = ws.loop(import_recipe(ws, "deliveries", Simulation(5_000, 0), actor="ana", as_of=END).loop)
        for version in ("incumbent-1", "challenger-1"):
            register_external(loop, version, actor="vendor", as_of=END)
        compare(loop, "incumbent-1", as_of=END, actor="ana")
    return folder


def test_a_first_release_from_compare_to_release(app: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = once(tmp_path_factory, "unreleased", unreleased)
    test = app(folder, "release")
    assert "A model is there" in said(test)
    test = app(folder, "compare", challenger="incumbent-1")
    quiet(test)
    assert "First release" in said(test)
    assert "A first release: its values by group" in said(test)
    assert charts_of(test) == 0
    keyed(test.button, "propose").click().run()
    quiet(test)
    walk_to(test, "release")
    quiet(test)
    assert "as the first to serve" in said(test)
    assert keyed(test.button, "approve_p1").disabled
    test.selectbox(key="actor").select("reviewer").run()
    keyed(test.button, "approve_p1").click().run()
    keyed(test.button, "promote_p1").click().run()
    quiet(test)
    assert loop_of(folder).champion(END) == "incumbent-1"
    assert "incumbent-1 serves everybody" in said(test)
