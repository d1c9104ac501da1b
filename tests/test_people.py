from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.errors import RefusedError
from loop_core.people import among, distinct_people, require_name, same_person

#: Spellings of `ana` that people cannot tell apart, or take for the same name.
SPELLINGS = {
    "case": "Ana", "capitals": "ANA", "space behind": "ana ", "line end": "ana\n", "tab before": "\tana",
    "no-break space": "ana\u00a0", "Cyrillic a": "\u0430na", "Cyrillic capitals": "\u0410NA", "Greek capitals": "\u0391\u039d\u0391",
    "zero-width space": "ana\u200b", "zero-width joiner": "a\u200dna", "soft hyphen": "an\u00ada", "byte order mark": "\ufeffana",
    "right-to-left mark": "\u202eana", "grapheme joiner": "a\u034fna", "variation selector": "ana\ufe0f", "tag": "ana\U000e0061",
    "Hangul filler": "ana\u3164", "braille blank": "ana\u2800", "full width": "\uff41\uff4e\uff41", "bold": "\U0001d41ana",
    "script a": "\u0251na", "null": "ana\x00", "private use": "ana\ue000",
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_one_name(spelling: str) -> None:
    assert same_person("ana", spelling)
    assert same_person(spelling, "ana")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "AIice"), ("bob", "b0b"), ("arnold", "amold"), ("mike", "m\u0069\u0307ke"), ("stra\u00dfe", "STRASSE"),
        ("jos\u00e9", "jose\u0301"), ("\u00f3scar", "\u043e\u0301scar"), ("ana lima", "Ana   Lima"), ("o'neil", "o\u2019neil"),
        ("ana-b", "ana\u2010b"), ("user1", "userl"), ("\ufb01n", "fin"),
    ],
)  # fmt: skip
def test_names_that_look_alike(one: str, other: str) -> None:
    assert same_person(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana", "anna"),
        ("kai", "kal"),
        ("ana", "bo"),
        ("jose", "jos\u00e9"),
        ("user1", "user2"),
        ("ana lima", "analima"),
    ],
)
def test_names_of_two(one: str, other: str) -> None:
    assert not same_person(one, other)


@pytest.mark.parametrize("nothing", ["", "  ", "\n", "\u200b", "\u3164\ufe0f", "\x00", "\udcff"])
def test_nothing_to_read_is_nobody(nothing: str) -> None:
    assert not same_person(nothing, nothing)
    assert distinct_people([nothing, "ana"]) == ("ana",)
    with pytest.raises(RefusedError, match="is not a name"):
        require_name(nothing)


def test_a_name_is_given_back_as_given() -> None:
    assert require_name(" \u0430na ") == " \u0430na "
    assert among("ANA", ["bo", "ana "]) == "ana "
    assert distinct_people(["ana", "bo", "Ana", "b0"]) == ("ana", "bo")


@given(st.text(max_size=12), st.text(max_size=12))
def test_being_the_same_is_symmetric_and_blind_to_case_and_spaces(one: str, other: str) -> None:
    assert same_person(one, other) == same_person(other, one)
    assert same_person(one, f"  {one}\u200b") == same_person(one, one)
