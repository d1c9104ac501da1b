"""Every page: on an empty workspace, on a full one, in presentation mode, and when something breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.jobs import Worker
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
from tests.pages.conftest import PAGES, Open, said

#: What each page says of the full workspace, so that a page that shows nothing fails.
WORDS = {
    "this_week": "What the last cycle found",
    "feedback": "ratings in the newest window",
    "signals": "the newest of",
    "drift": "features drifted",
    "performance": "in the newest complete window",
    "triggers": "A retrain is called for: schedule",
    "retrain": "Models of this loop",
    "compare": "challenger challenger-1",
    "release": "incumbent-1 serves everybody",
    "ledger": "On record for",
    "about": "nothing phones home",
}
#: What each page says of a loop without any signal.
EMPTY = {
    "this_week": "No champion",
    "feedback": "No feedback yet",
    "signals": "No signal yet",
    "drift": "No window yet",
    "performance": "No scored prediction",
    "triggers": "the charter has no trigger",
    "retrain": "No model yet",
    "compare": "No challenger",
    "release": "Nothing is released",
    "ledger": "On record for",
    "about": "nothing phones home",
}


@pytest.fixture(scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loop with its charter and nothing else."""
    folder = tmp_path_factory.mktemp("unused") / "w"
    with Workspace.create(folder) as ws:
        ws.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_shows_a_full_workspace(app: Open, full: Path, page: str) -> None:
    test = app(full, page)
    assert not test.exception
    assert not test.error
    assert WORDS[page] in said(test)


@pytest.mark.parametrize("page", PAGES)
def test_an_unused_loop_says_the_next_step(app: Open, unused: Path, page: str) -> None:
    test = app(unused, page)
    assert not test.exception
    assert not test.error
    assert EMPTY[page] in said(test)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "about"])
def test_without_a_loop_every_page_offers_one(app: Open, bare: Path, page: str) -> None:
    test = app(bare, page)
    assert not test.exception
    assert test.button(key="add_demo")


def test_the_demo_is_built_in_this_workspace(app: Open, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def build_demo(folder: Path, **_: object) -> None:
        asked.append(folder)
        with Workspace.open(folder) as ws:
            ws.set_charter(CHARTER, actor="ana", reason="first", as_of=START)

    monkeypatch.setattr("loop_core.demo.build_demo", build_demo)
    test = app(bare)
    test.button(key="add_demo").click().run()
    assert asked == [], "it is built in the worker, not while the page waits"
    assert "on its way" in test.title[0].value
    with Workspace.open(bare) as ws:
        assert Worker(ws).run(once=True) == 1
    assert asked == [bare]
    assert "No champion" in said(test.run())


def test_a_demo_that_was_stopped_can_go_on(app: Open, bare: Path) -> None:
    test = app(bare)
    test.button(key="add_demo").click().run()
    stop = next(button for button in test.button if str(button.key).startswith("stop_"))
    stop.click().run()
    assert "Starting again goes on where it was" in said(test.run())
    test.button(key="add_demo").click().run()
    assert "on its way" in test.title[0].value


@pytest.mark.parametrize("page", PAGES)
def test_presentation_mode_has_no_verbs(app: Open, full: Path, page: str) -> None:
    test = app(full, page, present="true")
    assert not test.exception
    assert not test.error
    # What only looks (search, verify) is hidden by style; what changes something must not be there at all.
    left = {"step_Left", "step_Right", "step_end", "verify", "to_compare"}
    assert {str(button.key) for button in test.button if not str(button.key).startswith("go_")} <= left


def test_no_workspace_is_said_in_words(app: Open, tmp_path: Path) -> None:
    test = app(tmp_path / "nowhere")
    assert not test.exception
    assert "There is no workspace at" in said(test)
    assert "loop init" in said(test)


def test_a_broken_page_shows_a_reference_and_no_trace(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop_core.feedback.feedback_trend", _broken)
    test = app(full, "feedback")
    assert not test.exception
    assert "Reference" in test.error[0].value
    assert "secret" not in said(test)


def _broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a secret detail")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stays_short(page: str) -> None:
    source = Path(__file__).parents[2] / "pages" / f"{page}.py"
    assert len(source.read_text().splitlines()) < 80
