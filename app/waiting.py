"""A skeleton where a page will stand, when it lets wait: after a moment, so that a quick rerun does not flicker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx

#: Seconds before the skeleton shows; Streamlit's own waits half a second, in which a page looks dead.
PATIENCE_SECONDS = 0.12
PIXELS = 260


@contextmanager
def skeleton() -> Iterator[None]:
    """Show a skeleton beneath what the block has written so far, until the block ends.

    It comes first in the page, where it is from the first moment, and the style puts it last: nothing that stands is
    moved. A container around the block would do that too, and would be one more level for every element of a page.
    """
    place, lock, over = st.container(key="waiting").empty(), threading.Lock(), threading.Event()

    def show() -> None:
        with lock:
            if not over.is_set():
                place.skeleton(PIXELS)

    timer = threading.Timer(PATIENCE_SECONDS, show)
    add_script_run_ctx(timer)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over.set()
            place.empty()
