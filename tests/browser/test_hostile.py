"""A real Chromium on a loop of hostile values: every page, in presentation too, shows them as text, and nobody is called."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serving
from tests.browser.test_walk import keyed
from tests.hostile import PORT, fill_hostile
from tests.once import once
from tests.pages.conftest import PAGES

pytestmark = pytest.mark.browser

#: Elements that a value made, if there is one: they load, run, lead away or embed. Styles that load, too.
MADE = f"""() => [...document.querySelectorAll('img, a, script, iframe, object, embed, form, video, audio, source, link, image, use')]
  .filter(one => /127\\.0\\.0\\.1:{PORT}|^javascript:/.test([one.src, one.href, one.action, one.data, one.getAttribute('href'), one.text]
    .map(String).join(' ')) || [one.src, one.href].some(at => String(at).startsWith('javascript:')))
  .map(one => one.outerHTML.slice(0, 300))"""
#: Parts of a page that are made when somebody opens them.
MORE = {
    "compare": ("?detail=Slices", "?detail=Flips+by+group", "?look=Card"),
    "performance": ("?cohort=state",),
    "drift": ("?cohort=state",),
}

#: Shown in presentation mode too; tests/pages/test_plain.py looks at all of them in it.
PRESENTED = PAGES if os.environ.get("LOOPBENCH_FAULTS") == "long" else ("this_week", "performance", "compare")


@contextmanager
def listener() -> Iterator[list[str]]:
    """What the hostile address is asked for."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            heard.append(self.rfile.readline(2000).decode(errors="replace"))
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Ear)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_no_value_is_more_than_text(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = once(tmp_path_factory, "calling", fill_hostile)
    with listener() as heard, serving(folder) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if f":{PORT}" in request.url else None)
        found: list[str] = []
        shown: set[str] = set()
        for name in PAGES:
            for query in ("", *(("?present=true",) if name in PRESENTED else ()), *MORE.get(name, ())):
                found += [f"{name}{query}: {what}" for what in _made(page, f"{address}/{name}{query}")]
                shown |= {name} if str(PORT) in page.inner_text("body") else set()
        page.close()
        assert found == []
        assert shown >= {"this_week", "performance", "compare", "release", "ledger"}, (
            "their values are there to be read"
        )
        assert asked == []
        assert heard == []


def _made(page: Page, url: str) -> list[str]:
    page.goto(url)
    expect(keyed(page, "verdict").first).to_be_visible()
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    wrong = page.locator("[data-testid=stException]").all_inner_texts()
    wrong += [
        text for text in page.locator("[data-testid=stAlertContentError]").all_inner_texts() if "Reference" in text
    ]
    made: list[str] = page.evaluate(MADE)
    return wrong + made
