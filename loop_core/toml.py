"""TOML text that a person may have written, read without surprises: whatever is wrong with it is a TOMLDecodeError."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_ENDLESS = re.compile(r"[\dA-Fa-f_]{4000}")


def read_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        TOMLDecodeError: it is no TOML, its brackets are nested too deeply to be read, or a number has thousands of digits.
            The message names the line.

    >>> read_toml("a = [1, 2]")
    {'a': [1, 2]}
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        problem = f"Brackets are nested too deeply (at line {_deepest(text)}, column 1)"
    except ValueError:
        problem = f"No number has thousands of digits (at line {_endless(text)}, column 1)"
    raise tomllib.TOMLDecodeError(problem)


def _deepest(text: str) -> int:
    """The line with most brackets, counted from 1."""
    lines = text.splitlines()
    return 1 + max(range(len(lines)), key=lambda place: lines[place].count("[") + lines[place].count("{"))


def _endless(text: str) -> int:
    """The first line with a number of thousands of digits, counted from 1."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if _ENDLESS.search(line)), 1)
