"""Values in a Markdown document are text: no link, picture, tag, formula or heading is made of them."""

from __future__ import annotations

import re

from loop_core.characters import one_line

#: An underscore within a word marks nothing, and names are full of them.
_MARKS = re.compile(r"[\\`*\[\]<>&~$|!]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
#: At the beginning of a line: headings, lists, rules.
_OPENING = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)]))")
#: Addresses that become links without any mark around them.
_ADDRESS = re.compile(r"(?<=\w):(?=//|\w+@)|(?<=www)\.|(?<=\w)@(?=\w)", re.IGNORECASE)


def as_text(value: str) -> str:
    r"""A value on one line of a Markdown document, shown as it is.

    >>> print(as_text("![x](http://h/i) of log_loss"))
    \!\[x\](http\://h/i) of log_loss
    """
    text = _MARKS.sub(lambda sign: f"\\{sign[0]}", one_line(value))
    text = _ADDRESS.sub(lambda sign: f"\\{sign[0]}", text)
    return _OPENING.sub(_unopened, text)


def _unopened(found: re.Match[str]) -> str:
    space, sign = found[1], found[2]
    # A number is no list without its full stop, and only that may be escaped.
    return f"{space}{sign}\\" if sign.isdigit() else f"{space}\\{sign}"
