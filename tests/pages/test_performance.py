"""The Performance page: what is known, what is estimated, what still waits, every look, and links that say nonsense."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import START
from tests.pages.conftest import Open, charts_of, quiet, said
from tests.pages.odd import END

#: Look → what it says of the full workspace.
LOOKS = {
    "Cohorts": "better than everybody beyond chance",
    "Pairs of cohorts": "No group has enough labels in this window",
    "Calibration": "a probability keeps its word",
    "Near the threshold": "of scores lie within 0.05 of the threshold",
    "When labels come": "of labels are known a",
    "Service": "Confidence",
}


def test_it_opens_with_the_newest_complete_window_and_what_waits(app: Open, full: Path) -> None:
    test = app(full, "performance")
    quiet(test)
    opening = said(test)
    assert "log loss was" in opening
    assert "in the newest complete window" in opening
    assert "still wait for labels" in opening
    assert "hatched: labels still arriving" in opening
    assert "labels 100% complete" in opening or "labels 99% complete" in opening


def test_drift_stands_above_performance_and_people_beneath(app: Open, full: Path) -> None:
    # Only a chart that can be clicked has a key.
    keys = [str(chart.key) for chart in app(full, "performance", look="When labels come").get("vega_lite_chart")]
    assert keys[:4] == ["None", "performance", "None", "None"], "drift, performance, ratings, latency"


@pytest.mark.parametrize("look", LOOKS)
def test_every_look(app: Open, full: Path, look: str) -> None:
    test = app(full, "performance", look=look)
    quiet(test)
    assert LOOKS[look] in said(test)


@pytest.mark.parametrize("metric", ["auc", "brier"])
def test_every_metric(app: Open, full: Path, metric: str) -> None:
    test = app(full, "performance", metric=metric)
    quiet(test)
    assert f"{metric} was" in said(test)


def test_a_link_opens_the_same_window_and_group(app: Open, full: Path) -> None:
    windows = app(full, "performance").selectbox(key="window").options
    test = app(full, "performance", window=windows[2], cohort="customer_region", weeks="26", look="Cohorts")
    quiet(test)
    assert test.selectbox(key="window").value == windows[2]
    assert test.selectbox(key="by").value == "customer_region"


def test_a_link_full_of_nonsense_opens_the_page(app: Open, full: Path) -> None:
    test = app(
        full, "performance", metric="x", weeks="0", cohort="nobody", value="nowhere", window="1999-01-01", look="y", by="z", pair="q",
        threshold="many",
    )  # fmt: skip
    quiet(test)
    assert "log loss was" in said(test)


def test_while_everything_is_pending_nothing_is_shown_as_final(app: Open, odd: Path) -> None:
    test = app(odd, "performance", as_of=f"{START + timedelta(days=8):%Y-%m-%d}")
    quiet(test)
    assert "No window of log loss has enough labels yet" in said(test)
    assert "log loss was" not in said(test)
    assert "No window is complete yet" in said(test)


@pytest.mark.parametrize("look", LOOKS)
def test_odd_input_has_an_outcome_in_words(app: Open, odd: Path, look: str) -> None:
    test = app(odd, "performance", look=look, as_of=f"{END:%Y-%m-%d}", cohort="state")
    quiet(test)
    assert "log loss" in said(test)


def test_a_group_that_disappeared(app: Open, odd: Path) -> None:
    test = app(odd, "performance", as_of=f"{END:%Y-%m-%d}", cohort="state", value="BA")
    quiet(test)
    assert "log loss" in said(test)


def test_without_estimates_the_page_goes_on(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.performance.estimated_performance", _not_ready)
    test = app(full, "performance", weeks="26")
    quiet(test)
    assert "log loss was" in said(test)
    assert "hollow: estimated" not in said(test)


def test_one_broken_part_leaves_the_others(app: Open, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.trust.calibration", _broken)
    test = app(full, "performance", look="Calibration")
    assert not test.exception
    assert len(test.error) == 1
    assert "Reference" in test.error[0].value
    assert "log loss was" in said(test)
    assert "a secret" not in said(test)


def test_presentation_has_no_pickers_of_detail(app: Open, full: Path) -> None:
    test = app(full, "performance", present="true")
    quiet(test)
    assert not test.tabs
    assert charts_of(test) >= 3


def _not_ready(*_: Any, **__: Any) -> None:
    from loop_core.errors import NotReadyError

    raise NotReadyError("Too few mature windows to calibrate on")


def _broken(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError("a secret detail")
