"""An alert on This week in a real browser: looked into, acknowledged, and muted with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from loop_core.alerts import Alert, alert, alerts
from loop_core.workspace import Workspace
from tests.alerts.made import trouble
from tests.browser.test_walk import keyed, open_page, settled, until
from tests.pages.conftest import END

pytestmark = pytest.mark.browser


def trouble_of(folder: Path) -> Alert:
    """Planted trouble: the alert that costs most."""
    with Workspace.open(folder) as ws:
        loop = ws.loop("deliveries")
        trouble(loop, END)
        return alerts(loop, END)[0]


def on_record(folder: Path, name: str) -> Alert:
    with Workspace.open(folder) as ws:
        return alert(ws.loop("deliveries"), name, END)


def test_an_alert_is_acknowledged_and_muted_with_a_reason(page: Page, address: str, workspace_folder: Path) -> None:
    worst = trouble_of(workspace_folder)
    open_page(page, address)
    box = keyed(page, f"alert_{worst.id}")
    expect(box).to_contain_text(worst.findings[0].sentence[:40])
    expect(box.get_by_role("button", name="Mute")).to_be_disabled()
    box.get_by_role("button", name="Acknowledge").click()
    expect(box).to_contain_text("acknowledged by")
    expect(box.get_by_role("button", name="Acknowledge")).to_have_count(0)
    settled(page)
    box.get_by_label("Reason").fill("the depot moves until Friday")
    box.get_by_label("Reason").press("Enter")
    box.get_by_role("button", name="Mute").click()
    until(page, lambda: on_record(workspace_folder, worst.id).state == "muted")
    # Whoever is muted makes way for the next; the link still opens it.
    open_page(page, address, f"?alert={worst.id}")
    expect(box).to_contain_text("muted until")
    expect(box).to_contain_text("the depot moves until Friday")
    expect(box.get_by_role("button", name="Unmute")).to_be_visible()
    found = on_record(workspace_folder, worst.id)
    assert (found.state, found.note) == ("muted", "the depot moves until Friday")
    assert found.muted_until is not None
    assert found.muted_until > END
