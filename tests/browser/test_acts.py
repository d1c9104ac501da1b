"""An act in a real browser, pressed twice, in two tabs and after Back: the record says it once, and the screen says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from loop_core.release import propose
from loop_core.workspace import Workspace
from tests.browser.conftest import serving
from tests.browser.test_walk import choose, go_to, keyed, open_page, settled
from tests.once import once
from tests.pages.conftest import END, build

pytestmark = pytest.mark.browser


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of its own in which `challenger-1` is proposed."""
    copy = once(tmp_path_factory, "full", build)
    with Workspace.open(copy) as ws:
        loop = ws.loop("deliveries")
        card = loop.entries("comparison.made")[-1].payload["scorecard"]
        propose(loop, "challenger-1", scorecard=card, actor="ana", as_of=END, reason="better for most")
    return copy


@pytest.fixture
def tabs(folder: Path, browser: Browser) -> Iterator[tuple[Page, Page]]:
    """Two tabs of one browser on the release, in the second person's name."""
    with serving(folder) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        first, second = context.new_page(), context.new_page()
        for tab in (first, second):
            open_page(tab, address, "release")
            choose(tab, "actor", "reviewer")
            expect(tab.get_by_role("button", name="Approve")).to_be_enabled()
        yield first, second
        context.close()


def done(folder: Path) -> list[tuple[str, str]]:
    with Workspace.open(folder) as ws:
        return [(entry.kind.removeprefix("release."), entry.subject) for entry in ws.ledger.entries(kind="release.")]


def test_pressed_twice_in_two_tabs_and_after_back(tabs: tuple[Page, Page], folder: Path) -> None:
    first, second = tabs
    before = done(folder)
    first.get_by_role("button", name="Approve").dblclick()
    expect(first.get_by_role("button", name="Promote")).to_be_visible()
    settled(first)
    assert done(folder) == [*before, ("approved", "challenger-1")]

    # The second tab still offers what is done.
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("changed since you looked").first).to_be_visible()
    expect(second.get_by_role("button", name="Approve")).to_have_count(0)
    assert done(folder) == [*before, ("approved", "challenger-1")]

    first.get_by_role("button", name="Promote").dblclick()
    expect(keyed(first, "verdict")).to_contain_text("challenger-1 serves everybody")
    settled(first)
    second.get_by_role("button", name="Promote").click()
    expect(keyed(second, "verdict")).to_contain_text("challenger-1 serves everybody")
    assert done(folder) == [*before, ("approved", "challenger-1"), ("promoted", "challenger-1")]

    first.get_by_label("Why").fill("complaints from the north")
    first.get_by_label("Why").press("Enter")
    go_to(first, "Ledger")
    first.go_back()
    settled(first)
    expect(keyed(first, "verdict")).to_contain_text("challenger-1 serves everybody")
    expect(first.get_by_role("button", name="Promote")).to_have_count(0)
    first.get_by_label("Why").fill("complaints from the south")
    first.get_by_label("Why").press("Enter")
    back = first.get_by_role("button", name="Roll back from challenger-1 to incumbent-1")
    expect(back).to_be_enabled()
    back.dblclick()
    expect(keyed(first, "verdict")).to_contain_text("incumbent-1 serves everybody")
    settled(first)
    expect(first.get_by_label("Why")).to_have_value("")
    expect(first.get_by_role("button", name="Roll back from incumbent-1 to challenger-1")).to_be_disabled()
    assert done(folder)[len(before) :] == [
        ("approved", "challenger-1"),
        ("promoted", "challenger-1"),
        ("rolled_back", "incumbent-1"),
    ]
