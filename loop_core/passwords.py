"""Texts without the passwords in them: whatever a library repeats of an address, people and files see it masked."""

from __future__ import annotations

import re

MASK = "…"
#: `scheme://user:password@host`. A password with an @ of its own reaches to the last one of the word.
_ADDRESS = re.compile(r"""([a-z][a-z0-9+.\-]*://[^\s:/@'"]*):[^\s'"]*@""", re.IGNORECASE)
#: `password=…` in a query or among libpq's keywords, quoted or not; also `sslpassword`.
_KEYWORD = re.compile(r"""(password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&'"()]+)""", re.IGNORECASE)
#: `//user:password@host` after something that cut the scheme off.
_BARE = re.compile(r"""(//[^\s:/@'"]+):[^\s'"/]*@""")


def without_passwords(text: str) -> str:
    """The text with `…` for every password of an address.

    >>> without_passwords("no lake at postgresql://ana:s3cr:et@db/x?sslpassword=k&sslmode=require")
    'no lake at postgresql://ana:…@db/x?sslpassword=…&sslmode=require'
    """
    if "://" not in text and "assword" not in text.lower() and "//" not in text:
        return text
    text = _ADDRESS.sub(rf"\1:{MASK}@", text)
    return _BARE.sub(rf"\1:{MASK}@", _KEYWORD.sub(rf"\1{MASK}", text))
