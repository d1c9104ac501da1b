"""The reference period as the proposals read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.charter import Charter
from loop_core.lake import Reading

#: With fewer rows nothing is proposed.
MIN_ROWS = 200
#: Shares are looked at in groups of at least this many rows, as the gates do.
MIN_FOR_SHARES = 20


@dataclass(frozen=True)
class Period:
    """A span of a loop's past that counts as quiet."""

    charter: Charter
    reading: Reading
    start: datetime
    end: datetime
    """Exclusive."""

    def rows(self, sql: str, views: Mapping[str, str] | None = None, **parameters: Any) -> list[tuple[Any, ...]]:
        """A query over the reading and more views, with `$first` and `$last` bound to the period."""
        return self.reading.with_views(**(views or {})).rows(sql, first=self.start, last=self.end, **parameters)


def outward(value: float, up: bool) -> float:
    """A bound with two significant digits, away from the values.

    >>> outward(1234.5, up=True), outward(0.0123, up=False), outward(-7.77, up=False)
    (1300.0, 0.012, -7.8)
    """
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = (math.ceil if up else math.floor)(value / unit) * unit
    # 0.012 rather than 0.012000000000000002; and never inward of the value by that.
    tidy = float(f"{rounded:.6g}")
    return tidy if (tidy >= value if up else tidy <= value) else value
