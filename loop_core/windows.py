"""Windows of time, counted back from `as_of` in whole days: the newest one ends with the day of `as_of`.

They are whole UTC days, so that a window stays the same all day long, and a result of 9:00 can be compared with
one of 17:00.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Windows:
    """A row of equal windows, numbered 0 (newest), −1, −2, … back in time."""

    end: datetime
    """UTC midnight at which window 0 ends (exclusive)."""
    days: int
    """Length of each."""

    @classmethod
    def at(cls, as_of: datetime, days: int) -> Windows:
        """Windows whose newest one holds the day of `as_of`; at midnight sharp, the day that just ended.

        >>> Windows.at(datetime(2018, 8, 27, 15, tzinfo=UTC), 7).span(0)[0].isoformat()
        '2018-08-21T00:00:00+00:00'
        """
        moment = as_of.astimezone(UTC)
        midnight = datetime.combine(moment.date(), time(), UTC)
        return cls(midnight if midnight == moment else midnight + timedelta(days=1), days)

    def span(self, number: int) -> tuple[datetime, datetime]:
        """(start, end) of window `number` ≤ 0; the end is exclusive."""
        end = self.end + timedelta(days=self.days * number)
        return end - timedelta(days=self.days), end

    def number(self, moment: datetime) -> int:
        """The number of the window that holds an instant.

        >>> Windows.at(datetime(2018, 8, 27, 15, tzinfo=UTC), 7).number(datetime(2018, 8, 20, tzinfo=UTC))
        -1
        """
        return (moment - self.end) // timedelta(days=self.days) + 1

    def start(self, count: int | None) -> datetime:
        """Start of the oldest of the newest `count` windows; the beginning of time: for None, and more than there can be."""
        most = (self.end - _BEGINNING) // timedelta(days=self.days)
        return _BEGINNING if count is None or count > most else self.span(1 - count)[0]

    def sql(self, instant: str) -> str:
        """SQL: the number of the window that holds a timestamptz expression. Needs the parameters of `parameters`."""
        # date_diff on timestamptz goes through the calendar library, which is slower than dividing microseconds.
        return f"cast(floor((epoch_us({instant}) - $window_end_us) / $window_us) as bigint) + 1"

    def parameters(self) -> Mapping[str, Any]:
        """What `sql` binds."""
        return {"window_end_us": int(self.end.timestamp() * 1e6), "window_us": float(self.days * 86_400_000_000)}
