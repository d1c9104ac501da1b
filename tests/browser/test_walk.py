"""The main walk in a real browser: look → drift → retrain → compare → propose → approve → promote → roll back → verify."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from loop_core.models import registered
from loop_core.workspace import Workspace
from tests.pages.conftest import END

pytestmark = pytest.mark.browser

TITLES = (
    "This week",
    "Feedback",
    "Signals",
    "Drift",
    "Performance",
    "Retrain",
    "Compare",
    "Release",
    "Ledger",
    "About",
)


def open_page(page: Page, address: str, path: str = "") -> None:
    page.goto(f"{address}/{path}")
    settled(page)


def settled(page: Page) -> None:
    """The page is there, its script ended, and nothing on it is an error."""
    expect(keyed(page, "verdict").first).to_be_visible()
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    expect(page.locator("[data-testid=stAlertContentError], [data-testid=stException]")).to_have_count(0)


def go_to(page: Page, title: str) -> None:
    link = page.get_by_role("link", name=title).first
    insist(page, link.click, lambda: link.get_attribute("aria-current") == "page")
    settled(page)


def keyed(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def choose(page: Page, key: str, value: str) -> None:
    """Choose from a list; a page that is drawn again closes the open list, and then it is opened again."""
    box = keyed(page, key).locator("input")

    def pick() -> None:
        box.click()
        with suppress(PlaywrightTimeout):
            page.get_by_role("option", name=value).click(timeout=5_000)

    insist(page, pick, lambda: box.input_value() == value)
    settled(page)


def test_every_page_opens_from_the_navigation(page: Page, address: str) -> None:
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    open_page(page, address)
    for title in TITLES[1:]:
        go_to(page, title)
        expect(keyed(page, "verdict").first).to_be_visible()
        if title in ("Drift", "Performance"):
            expect(
                page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
            ).to_be_visible()
    assert refused == []


def test_the_first_page_says_how_things_are(page: Page, address: str) -> None:
    page.goto(address)
    expect(keyed(page, "verdict").first).to_be_visible()


def test_a_choice_goes_into_the_url_and_back(page: Page, address: str) -> None:
    open_page(page, address, "performance")
    choose(page, "metric", "auc")
    expect(page).to_have_url(re.compile("metric=auc"))
    open_page(page, address, page.url.split("/")[-1])
    expect(keyed(page, "verdict")).to_contain_text("auc was")


def test_a_clicked_cell_shows_its_distribution(page: Page, address: str) -> None:
    open_page(page, address, "drift")
    chart = keyed(page, "heatmap").locator("canvas.marks, svg.marks").first
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    expect(page).to_have_url(re.compile("window="))
    settled(page)
    expect(page.locator("canvas.marks, svg.marks")).to_have_count(3)


def test_what_is_still_to_come_stands_beneath_what_is_there(page: Page, address: str) -> None:
    open_page(page, address, "ledger")
    place = page.locator("[data-testid=stLayoutWrapper]:has(> .st-key-waiting)")
    expect(place).to_have_css("order", "1")


def test_presentation_mode_steps_with_the_arrows(page: Page, address: str) -> None:
    open_page(page, address, "?present=true&as_of=2025-05-05")
    expect(page.get_by_role("link", name="Drift")).to_have_count(0)
    insist(page, lambda: page.keyboard.press("ArrowRight"), lambda: "/feedback" in page.url)
    expect(page).to_have_url(re.compile("/feedback.*as_of=2025-05-05&present=true"))
    settled(page)
    insist(page, lambda: page.keyboard.press("ArrowLeft"), lambda: "/feedback" not in page.url)
    settled(page)
    insist(page, lambda: page.keyboard.press("Escape"), lambda: page.get_by_role("link", name="Drift").count() > 0)
    expect(page.get_by_role("link", name="Drift").first).to_be_visible()


def test_dark_mode_keeps_the_chart_readable(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    open_page(page, address, "drift")
    ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert ground == "rgb(20, 24, 28)"


def test_a_challenger_is_released_by_two_people_and_rolled_back(
    page: Page, address: str, workspace_folder: Path
) -> None:
    open_page(page, address, "compare")
    page.get_by_role("button", name="Propose its release").click()
    # On a busy machine the click is answered later, and then the page is drawn again; whoever goes on before is held back.
    until(page, lambda: proposed(workspace_folder))
    settled(page)
    go_to(page, "Release")
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    choose(page, "actor", "reviewer")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Promote").click()
    expect(keyed(page, "verdict")).to_contain_text("challenger-1 serves everybody")
    page.get_by_label("Why").fill("complaints from the north")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("button", name="Roll back").click()
    expect(keyed(page, "verdict")).to_contain_text("incumbent-1 serves everybody")
    go_to(page, "Ledger")
    page.get_by_role("button", name="Verify chain").click()
    expect(page.get_by_text("as they were written")).to_be_visible()


def test_a_retrain_runs_in_the_worker_and_shows_its_progress(page: Page, address: str, workspace_folder: Path) -> None:
    open_page(page, address, "retrain")
    page.get_by_role("spinbutton", name="Trials").fill("1")
    page.get_by_role("spinbutton", name="Trials").press("Tab")
    page.get_by_role("button", name="Train").click()
    expect(page.locator("[class*=st-key-job_]").first).to_contain_text(re.compile("waits|runs|done"))
    expect(page.locator("[class*=st-key-job_]").first).to_contain_text(re.compile("done|watch"), timeout=180_000)
    with Workspace.open(workspace_folder) as ws:
        assert "lightgbm" in {model.kind for model in registered(ws.loop("deliveries"), END)}


def until(page: Page, holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; it is an error when it does not in time."""
    assert within(page, holds, seconds)


def within(page: Page, holds: Callable[[], bool], seconds: float) -> bool:
    """Whether something holds at some moment of the seconds to come."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(100)
    return True


def insist(page: Page, act: Callable[[], object], done: Callable[[], bool], times: int = 6) -> None:
    """Do what a person does: again, when nothing happened because the page was not listening or was drawn again."""
    for _ in range(times):
        act()
        if within(page, done, 5):
            return
    raise AssertionError(f"nothing happened, {times} times")


def proposed(folder: Path) -> bool:
    with Workspace.open(folder) as ws:
        return bool(ws.ledger.entries(kind="release.proposed"))
