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
    """Show a skeleton above what the block writes, until the block ends."""
    place, lock, over = st.empty(), threading.Lock(), threading.Event()

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
