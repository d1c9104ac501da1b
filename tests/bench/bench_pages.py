"""What a person waits for on the pages at a million predictions (`LOOPBENCH_BENCH_ROWS`), in Chromium, going from page
to page by clicking.

Chromium stamps the click, the frames of the page's WebSocket and what becomes visible, so nothing of this is seen
through the driver that clicks:

- *server*: from the request to run the page to the message that its script has ended, both on the WebSocket; what
  is serialised and sent over the loopback is in it, what the browser draws is not;
- *frame*: from the click until the navigation names the new page and its opening sentence or a skeleton shows;
- *sentence*: from the click until the opening sentence shows;
- *CPU*: what the server process used for the visit, which other programs on the machine lengthen the least; the
  load they make stands first.

A warm visit finds results that an earlier visit computed, of the same snapshot; a first visit computes them.
"""

from __future__ import annotations

import base64
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import CDPSession, Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from loop_core.clock import instant
from loop_core.compare import compare
from loop_core.cycle import run_cycle
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import first_champion
from loop_core.retrain import bootstrap_external
from loop_core.workspace import Loop, Workspace
from tests.bench.measure import Measurement
from tests.browser.conftest import free_port, serve, wait_for
from tests.chromium import CHROMIUM, FLAGS

ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
SERVING, LATER = "incumbent-1", instant("2026-01-01")
#: Title of a page → words that its opening sentence holds and those of the other pages do not.
PAGES = {
    "This week": "for attention",
    "Feedback": "ratings in the newest window",
    "Drift": "features drifted",
    "Performance": "newest complete window",
    "Compare": "On the whole",
}
ELSEWHERE, ELSEWHERE_WORDS = "About", "phones home"
WARM_VISITS = 3
SERVER_SECONDS, FRAME_SECONDS = 1.0, 0.3

#: Looks at every drawn frame, because only what was drawn can be seen. Stamps are seconds since the click.
WATCH = """
([title, words]) => {
  const seen = {}, of = (selector) => [...document.querySelectorAll(selector)];
  const verdict = () => of('.st-key-verdict').some((e) => e.textContent.includes(words) && e.getClientRects().length);
  const skeleton = () => of('[data-testid=stSkeleton]').some((e) => e.getClientRects().length);
  const named = () => of('a[aria-current=page]').some((e) => e.textContent.includes(title));
  window.seen = null;
  addEventListener('click', (event) => {
    const began = event.timeStamp, look = (now) => {
      const at = (now - began) / 1000;
      if (named() && (verdict() || skeleton())) seen.frame ??= at;
      if (named() && verdict()) { seen.sentence = at; window.seen = seen; } else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, { capture: true, once: true });
}
"""


@dataclass(frozen=True)
class Visit:
    """One visit of a page, in seconds (see the module)."""

    server: float
    frame: float
    sentence: float
    cpu: float


def measurements() -> Iterator[Measurement]:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(build(Path(folder) / "w")) as (address, server),
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield from visits(chromium.new_page(viewport={"width": 1280, "height": 720}), address, server)


def visits(page: Page, address: str, server: psutil.Process) -> Iterator[Measurement]:
    """Each page once, then warm; between two visits another page is opened, as somebody who walks through would."""
    wire = Wire(page.context.new_cdp_session(page))
    page.goto(f"{address}/about")
    page.get_by_text(ELSEWHERE_WORDS).first.wait_for(timeout=60_000)
    wire.ended(page)
    yield Measurement(f"load of the last minute on {psutil.cpu_count()} cores", psutil.getloadavg()[0], "")
    for title, words in PAGES.items():
        first, *warm = [_there_and_back(page, wire, server, title, words) for _ in range(1 + WARM_VISITS)]
        middle = {name: statistics.median(getattr(visit, name) for visit in warm) for name in vars(first)}
        yield Measurement(f"{title}, warm: server, request to script end", middle["server"], "s", SERVER_SECONDS)
        yield Measurement("… its CPU time in the server", middle["cpu"], "s")
        yield Measurement(f"{title}, warm: frame visible after the click", middle["frame"], "s", FRAME_SECONDS)
        yield Measurement("… its opening sentence", middle["sentence"], "s")
        yield Measurement(f"{title}, first visit: server", first.server, "s")
        yield Measurement("… its CPU time in the server", first.cpu, "s")
        yield Measurement("… frame visible after the click", first.frame, "s", FRAME_SECONDS)


def build(folder: Path) -> Path:
    """A simulated loop that ran one cycle, so that the first page has findings to show."""
    with Workspace.create(folder) as workspace:
        import_recipe(workspace, "deliveries", Simulation(ROWS, 0), actor="bench", as_of=LATER)
        loop = workspace.loop("deliveries")
        first_champion(loop, external=SERVING, actor="bench")
        run_cycle(loop, loop.present(LATER), actor="bench", train=False)
        _compare(loop)
    return folder


def _compare(loop: Loop) -> None:
    """A challenger that scored every prediction, a little beside the champion, and its comparison on all mature rows."""
    sql = (
        f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at) select prediction_id, 'rival',"
        f" greatest(0.001, least(0.999, score + 0.08 * (hash(prediction_id) % 1000 / 1000.0 - 0.5))), predicted_at from {loop.table('predictions')}"
    )
    loop.lake.write(lambda tx: tx.execute(sql), actor="bench", message="scores of a challenger")
    present = loop.present(LATER)
    bootstrap_external(loop, "rival", actor="bench", as_of=present)
    compare(loop, "rival", as_of=present, actor="bench")


@contextmanager
def served(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The real app, with its worker, as `loop ui` starts it."""
    port = free_port()
    with serve(workspace, port) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


class Wire:
    """When runs of the script were asked for and ended, from the frames of the WebSocket, on Chromium's clock."""

    def __init__(self, session: CDPSession) -> None:
        self.asked: list[float] = []
        self.ends: list[float] = []
        session.on("Network.webSocketFrameSent", lambda event: self._sent(event))
        session.on("Network.webSocketFrameReceived", lambda event: self._received(event))
        session.send("Network.enable")

    def ended(self, page: Page) -> float:
        """Wait until the script asked for last has ended and nothing follows → seconds from the first request since."""
        began = quiet_since = time.monotonic()
        while not self._idle() or time.monotonic() - quiet_since < 0.4:
            assert time.monotonic() - began < 600, f"{len(self.asked)} runs asked for, {len(self.ends)} ended"
            before = len(self.asked) + len(self.ends)
            page.wait_for_timeout(50)
            if len(self.asked) + len(self.ends) != before:
                quiet_since = time.monotonic()
        took = self.ends[-1] - self.asked[0]
        self.asked.clear()
        self.ends.clear()
        return took

    def _idle(self) -> bool:
        return bool(self.asked and self.ends) and self.ends[-1] > self.asked[-1]

    def _sent(self, event: dict[str, Any]) -> None:
        if BackMsg.FromString(_payload(event)).WhichOneof("type") == "rerun_script":
            self.asked.append(event["timestamp"])

    def _received(self, event: dict[str, Any]) -> None:
        if ForwardMsg.FromString(_payload(event)).WhichOneof("type") == "script_finished":
            self.ends.append(event["timestamp"])


def _payload(event: dict[str, Any]) -> bytes:
    return base64.b64decode(event["response"]["payloadData"])


def _there_and_back(page: Page, wire: Wire, server: psutil.Process, title: str, words: str) -> Visit:
    visit = _visit(page, wire, server, title, words)
    _visit(page, wire, server, ELSEWHERE, ELSEWHERE_WORDS)
    return visit


def _visit(page: Page, wire: Wire, server: psutil.Process, title: str, words: str) -> Visit:
    page.evaluate(WATCH, [title, words])
    cpu = _cpu_seconds(server)
    page.get_by_role("link", name=title).first.click()
    page.wait_for_function("() => window.seen", timeout=600_000)
    seen = page.evaluate("() => window.seen")
    took = wire.ended(page)
    return Visit(took, seen["frame"], seen["sentence"], _cpu_seconds(server) - cpu)


def _cpu_seconds(server: psutil.Process) -> float:
    used = server.cpu_times()
    return float(used.user + used.system)
