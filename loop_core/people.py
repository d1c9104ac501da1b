"""Names of people: when two spellings are one person. They are stored as given and compared here, for every door."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from loop_core.errors import RefusedError

#: Characters without a picture that Unicode counts as letters, marks or signs: fillers, joiners, selectors, tags.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


def require_name(name: str) -> str:
    """The name as given, if there is anything to read in it. RefusedError for an empty or invisible one."""
    if not _visible(name):
        raise RefusedError(f"{name!r} is not a name: nothing in it can be read. Give the name of a person")
    if any(unicodedata.category(character) == "Cs" for character in name):
        raise RefusedError(f"{name!r} is not a name: it is not valid text. Write it in UTF-8")
    return name


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: in letter case, spaces, invisible characters, forms of the same letter and
    letters that look alike they may differ. Names without anything to read are nobody's.

    The look-alikes are those of Unicode Technical Standard 39 ("confusables").

    >>> same_person("ana", "АNA\\u200b "), same_person("ana", "anna")
    (True, False)
    """
    return bool(_spellings(one) & _spellings(other))


def among(name: str, names: Iterable[str]) -> str | None:
    """The first of `names` that is the same person's as `name`; None: it is nobody of them."""
    return next((known for known in names if same_person(name, known)), None)


def distinct_people(names: Iterable[str]) -> tuple[str, ...]:
    """One name for each person, the first given, in order; names without anything to read are left out."""
    people: list[str] = []
    for name in names:
        if _visible(name) and among(name, people) is None:
            people.append(name)
    return tuple(people)


def _visible(name: str) -> str:
    """The name in one form: compatibility composed, spaces collapsed, without characters that have no picture."""
    composed = unicodedata.normalize("NFKC", " ".join(name.split()))
    shown = (c for c in _BLANK.sub("", composed) if not unicodedata.category(c).startswith("C"))
    return " ".join(unicodedata.normalize("NFKC", "".join(shown)).split())


@lru_cache(10_000)
def _spellings(name: str) -> frozenset[str]:
    """What the name looks like, as written and in small letters: a capital I looks like an l, a small i does not."""
    shown = _visible(name)
    return frozenset(filter(None, (_skeleton(shown), _skeleton(shown.casefold()))))


def _skeleton(text: str) -> str:
    """The text with each character replaced by the one that stands for all that look like it, in small letters."""
    models = _models()
    alike = "".join(models.get(c, c) for c in unicodedata.normalize("NFD", text))
    # Small i and j show a dot of their own.
    return re.sub("([ij])\u0307", r"\1", unicodedata.normalize("NFC", unicodedata.normalize("NFD", alike).casefold()))


@cache
def _models() -> dict[str, str]:
    """Character → what stands for its look-alikes. In the library's table everything that looks alike names one model,
    and the model names them all; of a pair that names each other the longer text, or the first in Unicode, is the model."""
    from confusable_homoglyphs.confusables import confusables_data

    table = {text: [alike["c"] for alike in found] for text, found in confusables_data.items()}
    models = {}
    for text, alike in table.items():
        if len(text) != 1 or len(alike) != 1:
            continue
        other = alike[0]
        pair = len(table.get(other, ())) < 2
        if not pair or (-len(other), other) < (-1, text):
            models[text] = other
    return models
