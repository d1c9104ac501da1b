"""What each type of column accepts, and as what: one table for people, and the SQL that reads a cell by it.

A value means the same in every format, so a typed cell (Parquet) is read as the text that a CSV of it would hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Acceptance:
    """What one type of column takes."""

    type: str
    """As charters say it; `id`: prediction_id, entity_id, user_id, feedback_id; `label`: of outcomes."""
    accepts: str
    stored: str
    """What is stored, whatever the format of the file."""
    refuses: str
    """Rows with these wait in the quarantine under `<column>.type`."""


#: The table that `loop charter reference` prints. The property test of formats holds the code to it.
ACCEPTS = (
    Acceptance(
        "every type",
        "an empty cell, '', NaN, nan; null of a typed format",
        "as missing",
        "",
    ),
    Acceptance(
        "number",
        "1, 1.0, -1.5, 1e3; true and false; 1,5 and 1.234,5 (a comma that can only be decimal, or as `decimal` says)",
        "the nearest double, so whole numbers beyond 2^53 lose their last digits; true is 1; a float32 is the shortest decimal that denotes it (0.3, not 0.30000001); -0.0 is 0",
        "1_000, 0x1F, 1,234 (1.234 or 1234?), 1e400, words; infinity fails `<column>.finite`",
    ),
    Acceptance(
        "category",
        "any text or value",
        "1, 1.0 and 1.00 as 1; true, True and TRUE as true; 1 as true or true as 1, whichever the column has had before; 007, 1.10, 1e3 in a text file and all other texts as they are; where `values` are declared, the declared spelling, and 1 and 0 also as declared true and false (and the other way round)",
        "floats of 2^53 and more: their last digits are lost; a NUL character; bytes that are no UTF-8",
    ),
    Acceptance("id", "as category", "as category", "as category"),
    Acceptance(
        "flag",
        "true/false, t/f, yes/no, y/n in any case, 1/0, 1.0/0.0, and the contract's `true_values` and `false_values`",
        "true or false",
        "every other number or word",
    ),
    Acceptance(
        "timestamp",
        "2024-12-31T23:59:59Z, seconds and `T` optional; 31.12.2024 23:59; epoch seconds (10 digits) or milliseconds (13), microseconds (16); others as `time_format` says: a strptime format, epoch_s or epoch_ms",
        "the instant in UTC; a time without zone is of the loop's timezone",
        "31/12/2024 and other numbers without `time_format`",
    ),
    Acceptance(
        "text",
        "any text",
        "the text as it is; a list or struct as its JSON",
        "a NUL character; bytes that are no UTF-8",
    ),
    Acceptance(
        "label",
        "binary: as number or flag; multiclass: a class by its name, as category; regression: as number",
        "a number; a class by its place",
        "a class that is not declared (3.5 is not 4)",
    ),
)

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
#: From here on a float may stand for several whole numbers.
_EXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
#: One comma that no thousands separator could be: after none or four digits and more, before other than three, or after dots.
_COMMA = r"[+-]?(\d{1,3}(\.\d{3})+,\d+|\d*,(\d{1,2}|\d{4,})|(\d{4,}|0),\d+)([eE][+-]?\d+)?"
#: A number whose comma is decimal because the contract says so.
COMMA_SAID = r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?,\d+([eE][+-]?\d+)?|[+-]?\d{1,3}(\.\d{3}){2,}"
_THOUSANDS = r"[+-]?[1-9]\d{0,2}\.\d{3}"
FLAGS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}
#: The words of a flag as categories have them, and the digits that are the same.
WORDS, DIGITS = ("true", "false"), ("1", "0")
#: A whole number with a fraction of zeros.
TRAILING = r"^(?:-?(0)|(-?[1-9]\d*))\.0+$"


@dataclass(frozen=True)
class Spelling:
    """How a source spells numbers and flags, by its contract."""

    decimal: str | None = None
    """`,` or `.`; None: a comma counts where it can only be decimal."""
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()


def base(found: str) -> str:
    """A DuckDB type without its size: `DECIMAL(10,2)` → `DECIMAL`."""
    return found.split("(")[0]


def is_nested(found: str) -> bool:
    """Whether a type is of lists, structs or maps; such values are read as their JSON."""
    return found.endswith("]") or base(found) in ("STRUCT", "MAP", "UNION")


def is_number(found: str) -> bool:
    return base(found) in (*WHOLE, "FLOAT", "DOUBLE", "DECIMAL")


def present(name: str, found: str) -> str:
    """SQL: the value as delivered; null where it is missing."""
    if base(found) in _EXACT:
        return f"case when not isnan({name}) then {name} end"
    if is_nested(found):
        return f"cast(to_json({name}) as varchar)"
    return f"case when {name} not in ('', 'NaN', 'nan') then {name} end" if found == "VARCHAR" else name


def number(raw: str, found: str, spelling: Spelling) -> str:
    """SQL: a double; null where it cannot be one."""
    if found == "FLOAT":
        return f"cast(cast({raw} as varchar) as double) + 0"
    if is_number(found) or found == "BOOLEAN":
        return f"cast({raw} as double) + 0"
    text = f"trim(cast({raw} as varchar))"
    refused = f"contains({text}, '_')"
    if spelling.decimal == ",":
        refused += f" or regexp_full_match({text}, '{_THOUSANDS}')"
    # 1e400 is no infinity: there is no double for it.
    double = f"try_cast({text} as double)"
    refused += f" or (isinf({double}) and regexp_matches({text}, '[0-9]'))"
    plain = f"case when not ({refused}) then {double} + 0 end"
    word = f"case lower({text}) when 'true' then 1 when 'false' then 0 end"
    if spelling.decimal == ".":
        return f"coalesce({plain}, {word})"
    pattern = COMMA_SAID if spelling.decimal == "," else _COMMA
    point = f"replace(replace({text}, '.', ''), ',', '.')"
    comma = f"case when regexp_full_match({text}, '{pattern}') then try_cast({point} as double) + 0 end"
    return f"coalesce({plain}, {comma}, {word})"


def flag(raw: str, found: str, spelling: Spelling) -> str:
    """SQL: a boolean; null where it cannot be one."""
    if found == "BOOLEAN":
        return raw
    if is_number(found):
        return f"case when {raw} = 1 then true when {raw} = 0 then false end"
    text = f"lower(trim({category(raw, found)}))"
    yes, no = (tuple(v.strip().lower() for v in values) for values in (spelling.true_values, spelling.false_values))
    words = [(yes, "true"), (no, "false"), (_TRUE, "true"), (_FALSE, "false")]
    tests = [f"when {text} in ({_listed(values)}) then {said}" for values, said in words if values]
    return f"case {' '.join(tests)} end"


def as_text(raw: str, found: str) -> str:
    """SQL: a text; null where it holds a NUL, which no catalogue stores, or is bytes that are no UTF-8."""
    own = raw if found == "VARCHAR" else f"try(decode({raw}))" if found == "BLOB" else f"cast({raw} as varchar)"
    return f"case when not contains({own}, chr(0)) then {own} end"


def category(raw: str, found: str) -> str:
    """SQL: the text of a category or id, the same for every spelling of a number; null where it cannot be told."""
    if base(found) in _EXACT:
        text = f"case when {raw} = trunc({raw}) then cast(cast({raw} as bigint) as varchar) else cast({raw} as varchar) end"
        return f"case when abs({raw}) < {_EXACT[base(found)]} then {text} end"
    own = as_text(raw, found)
    whole = f"case when ends_with({own}, '0') then regexp_replace({own}, '{TRAILING}', '\\1\\2') else {own} end"
    flags = " ".join(f"when '{word}' then '{meaning}'" for word, meaning in FLAGS.items())
    return f"case {own} {flags} else {whole} end"


def declared(text: str, values: Sequence[str]) -> str:
    """SQL: a category by the spelling its charter declares; one that is not declared stays as it is."""
    spelled = spellings(values)
    pairs = [(key, value) for key, value in spelled.items() if key != value]
    tests = " ".join(f"when {_text(key)} then {_text(value)}" for key, value in pairs)
    return f"case {text} {tests} else {text} end" if tests else text


def spelled(text: str, spelling: str | None) -> str:
    """SQL: a category with yes and no as `words` or `digits`; None: as they are."""
    if spelling is None:
        return text
    pairs = zip(DIGITS, WORDS, strict=True) if spelling == "words" else zip(WORDS, DIGITS, strict=True)
    tests = " ".join(f"when {_text(one)} then {_text(other)}" for one, other in pairs)
    return f"case {text} {tests} else {text} end"


def spellings(values: Sequence[str]) -> Mapping[str, str]:
    """The text of a category → its declared spelling.

    >>> spellings(["True", "False"])["1"], spellings(["1.0", "2.0"])["2"]
    ('True', '2.0')
    """
    own = {canonical(value): value for value in values}
    same = {"1": "true", "0": "false", "true": "1", "false": "0"}
    either = {key: own[other] for key, other in same.items() if key not in own and other in own}
    return own | (either if set(own) <= {"true", "false"} or set(own) <= {"0", "1"} else {})


def canonical(text: str) -> str:
    """A category's text as `category` reads it.

    >>> [canonical(text) for text in ("1.0", "-0.00", "007", "1.10", "True")]
    ['1', '0', '007', '1.10', 'true']
    """
    import re

    if text in FLAGS:
        return FLAGS[text]
    whole = re.match(TRAILING, text)
    return (whole[1] or whole[2]) if whole else text


def epoch(raw: str, found: str, unit: str | None) -> str:
    """SQL: an instant from a count of seconds, milliseconds or microseconds since 1970; null where it is none.

    Args:
        raw: the cell.
        found: its DuckDB type.
        unit: `s` or `ms`; None: by the number of digits, which is unambiguous from 2001 to 2286.
    """
    if found == "FLOAT":
        return "null::timestamptz"  # a float32 knows today to two minutes
    count = f"try_cast(cast({raw} as varchar) as decimal(28, 6))" if found != "DOUBLE" else f"try_cast({raw} as decimal(28, 6))"  # fmt: skip
    steps = {"s": 1_000_000, "ms": 1_000, "us": 1}
    if unit is not None:
        return f"make_timestamptz(try_cast({count} * {steps[unit]} as bigint))"
    bounds = {"s": 10**9, "ms": 10**12, "us": 10**15}
    tests = [
        f"when {count} >= {low} and {count} < {low * 10} then make_timestamptz(cast({count} * {steps[name]} as bigint))"
        for name, low in bounds.items()
    ]
    return f"case {' '.join(tests)} end"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
