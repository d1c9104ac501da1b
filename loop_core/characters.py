"""Text without the characters that act on what shows it: they are written out, so that a reader sees them."""

from __future__ import annotations

import re

# Half a character is how Python holds a byte of a file's name that is no UTF-8: nothing can print it.
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
#: Marks that turn the direction of reading around.
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ACTIVE = re.compile(f"[{_CONTROLS}{_TURNING}]")
#: What ends a line, in one medium or another.
_ENDING = re.compile(f"[\n\u2028\u2029{_CONTROLS}{_TURNING}]")


def visible(text: str) -> str:
    r"""The text, with what a terminal or a mail reader would act on written out. Tabs and line feeds stay.

    >>> visible("\x1b[2J")
    '\\x1b[2J'
    """
    return _ACTIVE.sub(_written_out, text)


def one_line(text: str) -> str:
    r"""As `visible`, and no value makes a line of its own: for titles, for lists and for logs.

    >>> one_line("late\nBcc: all@example.org")
    'late\\nBcc: all@example.org'
    """
    return _ENDING.sub(_written_out, text)


def _written_out(sign: re.Match[str]) -> str:
    return sign.group().encode("unicode_escape").decode("ascii")
