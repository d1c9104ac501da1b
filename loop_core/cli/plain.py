"""Data on a terminal is text: no escape sequence in it moves the cursor, colours, or reverses what is read."""

from __future__ import annotations

import re

#: Control characters but for tab and line feed, and the marks that turn the direction of reading around.
_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text, with what a terminal would act on written out: `\\x1b[2J`."""
    return _ACTIVE.sub(lambda sign: sign.group().encode("unicode_escape").decode("ascii"), text)
