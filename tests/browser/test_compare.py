"""Compare in a real browser: a line of the forest opens its group and the list stays; the export opens by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_walk import keyed, open_page, settled

pytestmark = pytest.mark.browser


def test_a_clicked_line_opens_its_group_and_the_list_stays(page: Page, address: str) -> None:
    open_page(page, address, "compare")
    chart = keyed(page, "forest").locator("canvas.marks, svg.marks").first
    expect(chart).to_be_visible()
    before = chart.bounding_box()
    assert before is not None
    page.mouse.click(before["x"] + before["width"] * 0.6, before["y"] + 32 + 2.5 * 23)
    expect(page).to_have_url(re.compile("group="))
    settled(page)
    after = chart.bounding_box()
    assert after is not None
    assert (after["x"], after["y"]) == (before["x"], before["y"])
    page.get_by_role("tab", name="Flips", exact=True).click()
    expect(page.get_by_text("are fixed")).to_be_visible()
    settled(page)
    link = page.url
    assert "look=Flips" in link
    page.reload()
    settled(page)
    expect(page.get_by_text("are fixed")).to_be_visible()
    assert page.url == link


def test_a_line_of_the_flips_opens_its_rows(page: Page, address: str) -> None:
    open_page(page, address, "compare?detail=Flips+by+group")
    table = page.locator(".st-key-flips_by_group canvas").first
    expect(table).to_be_visible()
    settled(page)
    table.scroll_into_view_if_needed()
    # A wheel that still turns would move the table from under the click.
    page.wait_for_timeout(500)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 12, box["y"] + 35 * 2.5)
    expect(page).to_have_url(re.compile("group=.*look=Flips|look=Flips.*group="))
    expect(page.get_by_text("are fixed")).to_be_visible()


def test_the_export_opens_alone(page: Page, address: str, tmp_path: Path) -> None:
    open_page(page, address, "compare")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="HTML").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert page.context.browser is not None
    alone, asked = page.context.browser.new_page(), list[str]()
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(f"file://{file}")
    expect(alone.locator("svg").first).to_be_visible()
    expect(alone.get_by_role("heading", name="Gates of the release")).to_be_visible()
    assert asked == [f"file://{file}"]
    alone.emulate_media(media="print")
    assert alone.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
