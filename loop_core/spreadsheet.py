"""Values that end in a spreadsheet are text: no formula is made of them. Numbers stay numbers."""

from __future__ import annotations

import re
from typing import Any

#: What a spreadsheet takes for the beginning of a formula, also behind blanks, in the wide forms of East Asia too.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
#: A signed number in words is what it says.
_NUMBER = re.compile(r"[+-]?\d[\d,. ]*%?")


def as_text(value: Any) -> Any:
    """A cell's value; text that would be a formula gets an apostrophe before it, as spreadsheets themselves write it.

    >>> as_text('=HYPERLINK("http://h")'), as_text("-0.5"), as_text(-0.5)
    ('\\'=HYPERLINK("http://h")', '-0.5', -0.5)
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
