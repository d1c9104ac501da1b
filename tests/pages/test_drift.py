"""The Drift page: its finding, every measure, every look at a cell, and links that say too much or too little."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loop_core.monitor import METHODS
from loop_core.monitor.drift.titles import ROW_TITLES, TITLES
from tests.conftest import START
from tests.pages.conftest import Open, charts_of, quiet, said

#: Look at a cell → what it says of the full workspace.
LOOKS = {
    "Distribution": "The band is what quiet windows",
    "Groups": "No group has enough rows in this window",
    # The full workspace's champion comes from outside.
    "Does it matter?": "How much a feature matters is not known",
    "Every measure": "Values are computed on rows",
    "What separates": "A classifier tries to tell",
    "Evidently": "Evidently's report",
}


def test_it_opens_with_the_finding_and_what_it_rests_on(app: Open, full: Path) -> None:
    test = app(full, "drift")
    opening = said(test)
    assert "features drifted (about" in opening
    assert "expected by chance" in opening
    assert "reference" in opening
    assert " / " in opening, "n of the reference and n of the window"
    assert charts_of(test) == 3, "heatmap, distribution, history"


@pytest.mark.parametrize("method", METHODS)
def test_every_measure_has_its_heatmap(app: Open, full: Path, method: str) -> None:
    # A bound widget reads and writes what it shows.
    test = app(full, "drift", method=TITLES[method])
    quiet(test)
    assert test.selectbox(key="method").value == method
    assert charts_of(test) >= 1


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_at_a_cell(app: Open, full: Path, look: str) -> None:
    test = app(full, "drift", look=look)
    quiet(test)
    assert LOOKS[look] in said(test)


def test_the_classifier_answers_when_it_is_asked(app: Open, full: Path) -> None:
    test = app(full, "drift", look="What separates")
    assert "AUC 0.5 means" in said(test)
    test.button(key="separate").click().run()
    quiet(test)
    assert "them apart: AUC" in said(test)


def test_every_measure_is_listed_with_its_state(app: Open, full: Path) -> None:
    test = app(full, "drift", look="Every measure")
    listed = test.dataframe[0].value
    assert list(listed["measure"]) == [ROW_TITLES[name.removeprefix("binned_")] for name in METHODS]


def test_only_the_look_that_is_open_is_computed(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop_core.monitor.report.latest_report", _never)
    monkeypatch.setattr("app.report.latest_report", _never)
    quiet(app(full, "drift", look="Groups"))


def test_a_link_opens_the_same_cell(app: Open, full: Path) -> None:
    first = app(full, "drift", cohort="customer_region", feature="freight")
    windows = first.selectbox(key="window").options
    value = first.get("button_group")[0].value
    test = app(
        full, "drift", cohort="customer_region", value=value, feature="freight", window=windows[3], look="Groups"
    )
    quiet(test)
    assert test.selectbox(key="window").value == windows[3]
    assert test.selectbox(key="feature").value == "freight"
    assert f"customer region {value}" in said(test)


def test_a_link_full_of_nonsense_opens_the_page(app: Open, full: Path) -> None:
    test = app(
        full, "drift", weeks="-1", method="guess", cohort="nobody", value="nowhere", feature="x", window="1999-01-01", look="y", by="z",
        all_features="perhaps",
    )  # fmt: skip
    quiet(test)
    assert "features drifted" in said(test)


def test_presentation_shows_the_heatmap_and_one_look(app: Open, full: Path) -> None:
    test = app(full, "drift", present="true")
    quiet(test)
    assert charts_of(test) == 3
    assert "Does it matter?" not in [tab.label for tab in test.tabs]


def test_why_counts_false_alarms_once_it_is_opened(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("app.drift.calibrate", lambda *_, **__: asked.append("x"))
    quiet(app(full, "drift"))
    assert asked == [], "it takes a second, and nobody asked yet"


def test_without_importance_the_page_goes_on(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop_core.monitor.importance", _not_ready)
    test = app(full, "drift", look="Does it matter?")
    quiet(test)
    assert "How much a feature matters is not known" in said(test)


@pytest.mark.parametrize("look", LOOKS)
def test_odd_input_has_an_outcome_in_words(app: Open, odd: Path, look: str) -> None:
    test = app(odd, "drift", look=look)
    quiet(test)
    assert "features drifted" in said(test)


def test_the_time_before_there_was_anything(app: Open, odd: Path) -> None:
    test = app(odd, "drift", as_of=f"{START - timedelta(days=40):%Y-%m-%d}")
    quiet(test)
    assert "No window yet" in said(test) or "cannot be judged" in said(test)


def test_a_reference_shorter_than_a_window(app: Open, odd: Path) -> None:
    test = app(odd, "drift", as_of=f"{START + timedelta(days=3):%Y-%m-%d}")
    quiet(test)
    assert "No window yet" in said(test) or "cannot be judged" in said(test) or "features drifted" in said(test)


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("nobody asked for this")


def _not_ready(*_: Any, **__: Any) -> None:
    from loop_core.errors import NotReadyError

    raise NotReadyError("There is no champion")
