"""Personal data in comments, masked before anybody reads them: e-mail addresses and telephone numbers for now."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Eight digits or more, with the separators people put between them; prices and dates have fewer digits in a row.
_PHONE = re.compile(r"(?<![\w.,])\+?\(?\d(?:[\s().-]{0,2}\d){7,14}(?![\w])")


def masked(comment: str | None) -> str | None:
    """The comment with e-mail addresses and telephone numbers replaced; None stays None.

    >>> masked("call +55 (11) 91234-5678 or write ana.b@example.com, paid R$ 129,90 on 2018-03-01")
    'call [phone] or write [e-mail], paid R$ 129,90 on 2018-03-01'
    """
    if comment is None:
        return None
    return _PHONE.sub(_unless_date, _EMAIL.sub("[e-mail]", comment))


def _unless_date(match: re.Match[str]) -> str:
    return match.group() if re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{1,2}[-.]\d{1,2}[-.]\d{4}", match.group()) else "[phone]"
