"""What a file's columns look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

#: Columns that programs write beside a table's own, e.g. pandas the places of its rows.
BESIDE = re.compile(r"^(__index_level_\d+__|Unnamed: ?\d+)$")


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the sample."""

    name: str
    kind: Literal["integer", "real", "flag", "timestamp", "text"]
    rows: int
    nulls: int
    distinct: int
    """Different values, null not counted."""
    low: float | None
    """Smallest number; None: no numbers."""
    high: float | None
    values: tuple[str, ...]
    """Texts, sorted; empty where there are more than 50."""
    naive: bool
    """Times without a zone."""
    early: date | None = None
    """The day before which one in a hundred of its times is; None: no times."""
    time_format: str | None = None
    """How its times are written; None: no times, or such as need no setting."""
    comma: bool = False
    """Its numbers can be read only with a decimal comma."""
    words: tuple[str, str] | None = None
    """Its words for yes and no, where they need a setting; None: they need none."""

    @property
    def empty(self) -> bool:
        return self.distinct == 0

    @property
    def unique(self) -> bool:
        """No null and no value twice."""
        return self.nulls == 0 and self.distinct == self.rows

    @property
    def binary(self) -> bool:
        """Yes or no: a flag, or the numbers 0 and 1."""
        return self.kind == "flag" or (self.distinct == 2 and (self.low, self.high) == (0, 1))

    @property
    def within_unit(self) -> bool:
        """Numbers in [0, 1]."""
        return self.low is not None and self.high is not None and self.low >= 0 and self.high <= 1

    @property
    def looks_like_id(self) -> bool:
        """A key rather than a quantity."""
        return bool(re.search(r"(^|_)(id|uuid|key)$", self.name.lower())) or (self.kind == "text" and self.unique)
