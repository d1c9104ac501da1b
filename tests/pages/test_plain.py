"""Data in Markdown is text: escaped, and kept apart where a browser looks for links and icons after the escapes."""

from __future__ import annotations

import re

import pytest

from app.faults import plain

#: What Streamlit's browser side replaces in text whose escapes are gone already (remark-emoji, GFM autolinks, its icons).
_LATE = re.compile(r":\+1:|:-1:|:[\w-]+:|:material/|https?://|www(?=\.)|[-.\w+]+@[-\w]+\.", re.IGNORECASE)


@pytest.mark.parametrize(
    "value", [":smile:", ":+1:", ":material/home:", "https://x.y/a", "HTTP://x.y", "www.x.y", "a@b.c", "![x](http://x.y)", ":red[x]"]
)  # fmt: skip
def test_nothing_in_data_becomes_a_link_or_an_icon(value: str) -> None:
    shown = re.sub(r"\\(.)", r"\1", plain(value))
    assert not _LATE.search(shown)
    assert shown.replace("\u2060", "") == value
