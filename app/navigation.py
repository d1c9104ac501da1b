"""The pages, in the order of the pipeline."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_FOLDER = Path(__file__).resolve().parent.parent / "pages"

#: url path → (title, icon).
PAGES = {
    "this_week": ("This week", ":material/today:"),
    "feedback": ("Feedback", ":material/forum:"),
    "signals": ("Signals", ":material/input:"),
    "drift": ("Drift", ":material/ssid_chart:"),
    "performance": ("Performance", ":material/monitoring:"),
    "triggers": ("Triggers", ":material/notifications_active:"),
    "retrain": ("Retrain", ":material/model_training:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "release": ("Release", ":material/rocket_launch:"),
    "ledger": ("Ledger", ":material/history_edu:"),
    "about": ("About", ":material/info:"),
}


def page(name: str) -> StreamlitPage:
    """One page of the app by its url path."""
    title, icon = PAGES[name]
    default = name == next(iter(PAGES))
    return st.Page(_FOLDER / f"{name}.py", title=title, icon=icon, url_path=None if default else name, default=default)


def pages() -> list[StreamlitPage]:
    """All pages."""
    return [page(name) for name in PAGES]


def go(name: str) -> None:
    """Go on to another page. What the frame chose (loop, day, presentation) goes along, what the page chose does not."""
    # Without `query_params` Streamlit refuses to leave a page whose URL holds the value of a bound widget.
    st.switch_page(page(name), query_params={})


def beside(title: str, step: int) -> str:
    """The name of the page before (-1) or after (+1) the one with this title, around the ends."""
    names = list(PAGES)
    here = next(i for i, name in enumerate(names) if PAGES[name][0] == title)
    return names[(here + step) % len(names)]
