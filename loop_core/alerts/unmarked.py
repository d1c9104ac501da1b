"""Values in a message are text in every service: what one of them reads as a link, a tag or a call is broken up.

Services are told that a message is text, and yet some read marks in it (Discord always, Slack where the address says
`format=markdown`), each in a dialect of its own; so what all dialects begin with is taken out before.
"""

from __future__ import annotations

import re

from loop_core.characters import one_line

#: `<http://…|…>`, `<!channel>`, `<img …>`: no mark of ours, and no comparison, is followed by a word at once.
_TAG = re.compile(r"<(?=\S)")
#: `[words](address)` and `![picture](address)`.
_LINK = re.compile(r"\](?=[(\[])")
#: `@everyone`; within a word it is an address of a person.
_CALL = re.compile(r"(?<![\w.])@(?=\w)")


def unmarked(line: str) -> str:
    """One line of a message, its marks broken up.

    >>> unmarked("[free](http://h) for @everyone, <!channel>, from ana@example.org, score < 0.5")
    '[free] (http://h) for @ everyone, ‹!channel>, from ana@example.org, score < 0.5'
    """
    text = _TAG.sub("‹", one_line(line))
    return _CALL.sub("@ ", _LINK.sub("] ", text))
