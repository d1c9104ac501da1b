"""The lines of a charter's text: where tables and keys stand, and where a setting goes."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*\"?([A-Za-z0-9_\-]+)\"?\s*=")


class LineIndex:
    """Where each table and key of a TOML text starts (1-based); dotted and inline keys count for their line."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[int | str, ...], int] = {(): 1}
        seen: dict[str, int] = {}
        table: tuple[int | str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                path = header.group(2).replace('"', "")
                if header.group(1) == "[[":
                    seen[path] = seen.get(path, -1) + 1
                    table = (*path.split("."), seen[path])
                else:
                    table = tuple(path.split("."))
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*table, key.group(1)), number)

    def of(self, location: Sequence[int | str]) -> int:
        """Line of the longest known prefix of a pydantic location."""
        parts = tuple(location)
        while parts not in self._lines:
            parts = parts[:-1]
        return self._lines[parts]

    def __contains__(self, location: object) -> bool:
        return location in self._lines


def setting_place(text: str, where: str, table: str, setting: str) -> str:
    """What to do so that a table of a charter has a setting, in words.

    Args:
        text: of the charter.
        where: its file, as people call it.
        table: like `contract.predictions`.
        setting: a line of TOML.

    >>> setting_place("[loop]\\ntitle = 'A'", "a.toml", "loop", "timezone = 'UTC'")
    "write timezone = 'UTC' below line 1 of a.toml"
    >>> setting_place("[loop]\\ntitle = 'A'", "a.toml", "loop", "title = 'B'")
    "make line 2 of a.toml title = 'B'"
    """
    lines, parts = LineIndex(text), tuple(table.split("."))
    key = (*parts, setting.partition("=")[0].strip())
    if key in lines:
        return f"make line {lines.of(key)} of {where} {setting}"
    if parts in lines:
        return f"write {setting} below line {lines.of(parts)} of {where}"
    return f"write [{table}] and under it {setting} at the end of {where}, from line {len(text.splitlines()) + 1} on"
