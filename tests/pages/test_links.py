"""State lives in the URL: a copied link opens the same view."""

from __future__ import annotations

from pathlib import Path

from tests.pages.conftest import Open, said


def test_a_link_with_a_day_opens_the_past_and_offers_no_verbs(app: Open, full: Path) -> None:
    test = app(full, "release", as_of="2025-03-03")
    assert not test.error
    assert "You are looking at 3 Mar 2025" in said(test)
    assert not [button for button in test.button if button.key.startswith("rollback")]


def test_back_to_the_present(app: Open, full: Path) -> None:
    test = app(full, as_of="2025-03-03")
    test.button(key="to_present").click().run()
    assert "as known on 30 Jun 2025" in said(test)


def test_a_link_with_feature_window_and_cohort(app: Open, full: Path) -> None:
    test = app(full, "drift", cohort="carrier", weeks="8", feature="freight")
    assert not test.error
    assert test.selectbox(key="cohort").value == "carrier"
    assert test.selectbox(key="weeks").value == 8
    assert "freight: PSI by window" in said(test)


def test_nonsense_in_a_link_is_ignored(app: Open, full: Path) -> None:
    test = app(full, "drift", loop="nothing", as_of="yesterday", weeks="many", feature="x")
    assert not test.exception
    assert not test.error
    assert "features drifted" in said(test)


def test_a_search_in_the_ledger(app: Open, full: Path) -> None:
    test = app(full, "ledger", q="challenger-1", kind="comparison")
    assert len(test.dataframe[0].value) == 1
    test.text_input(key="q").set_value("no such thing").run()
    assert "No entry matches" in said(test)


def test_a_filter_on_feedback(app: Open, full: Path) -> None:
    test = app(full, "feedback", most="1")
    assert set(test.dataframe[0].value["rating"]) == {1.0}
