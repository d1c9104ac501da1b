"""Where on the calendar a loop's rows are. One stray row, years before or after the others, moves neither end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from loop_core.errors import DamagedFileError
from loop_core.lake.connection import Lake
from loop_core.lake.fingerprints import Extent
from loop_core.lake.tables import quoted
from loop_core.lake.times import happened

#: What holds less than this share of what a span of its length usually holds is stray.
SHARE = 0.1
_EPOCH = date(1970, 1, 1)
#: Microseconds.
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Activity:
    """How many rows are of each day."""

    days: npt.NDArray[np.int64]
    """(D,) days since 1970 with rows, ascending."""
    rows: npt.NDArray[np.int64]
    """(D,) how many, at least 1."""

    @classmethod
    def of(cls, counts: Iterable[tuple[int, int]]) -> Activity:
        """From (day since 1970, rows) in any order."""
        pairs = np.array(sorted(counts), dtype=np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1])

    def start(self, *lengths: int) -> datetime | None:
        """UTC midnight at which a reference begins: the first day from which each of the spans of so many days holds
        at least a tenth of what such a span holds as a rule. As a rule is the median over rows of the span that begins on
        their day, rounded down to a power of two, so that a growing log rarely moves its own beginning.

        None: no rows. Where no day is such, it is the first that is for the longest span.

        >>> log = Activity.of([(0, 1), *((day, 40) for day in range(1000, 1200))])
        >>> log.start(7, 90).date().isoformat()
        '1972-09-27'
        """
        if not len(self.days):
            return None
        fits = [self._within(length) >= SHARE * self._usual(length) for length in sorted(lengths)]
        both = np.logical_and.reduce(fits)
        return _instant(int(self.days[np.argmax(both if both.any() else fits[-1])]))

    def span(self, length: int, gap: int, share: float = SHARE) -> tuple[datetime, datetime] | None:
        """UTC midnights between which the log lies, the end exclusive. Days before or after a pause of more than `gap` days
        belong to it where they have the share of the rows that a span of `length` days holds as a rule. None: no rows.

        >>> log = Activity.of([(-900, 1), *((day, 40) for day in range(100)), (900, 1)])
        >>> [day.date().isoformat() for day in log.span(7, 90)]
        ['1970-01-01', '1970-04-11']
        """
        if not len(self.days):
            return None
        least, first, last = share * self._usual(length), 0, len(self.days) - 1
        pauses = np.flatnonzero(np.diff(self.days) > gap).tolist()
        for pause in pauses:
            if self.rows[first : pause + 1].sum() >= least:
                break
            first = pause + 1
        for pause in reversed(pauses):
            if self.rows[pause + 1 : last + 1].sum() >= least:
                break
            last = pause
        return _instant(int(self.days[first])), _instant(int(self.days[last]) + 1)

    def _within(self, length: int) -> npt.NDArray[np.int64]:
        """(D,) rows of the `length` days from each day on."""
        total = np.append(0, np.cumsum(self.rows))
        found: npt.NDArray[np.int64] = total[np.searchsorted(self.days, self.days + length)] - total[:-1]
        return found

    def _usual(self, length: int) -> int:
        within = self._within(length)
        order = np.argsort(within)
        reached = np.cumsum(self.rows[order])
        middle = int(within[order][np.searchsorted(reached, reached[-1] / 2)])
        return 1 << (middle.bit_length() - 1)


_KNOWN: WeakKeyDictionary[Lake, dict[tuple[Any, ...], tuple[int, Activity]]] = WeakKeyDictionary()
_LOCK = Lock()


def activity_of(lake: Lake, loop: str, table: str, instant: str, where: Mapping[str, str] | None = None) -> Activity:
    """The days of a table's rows, counted once in each snapshot.

    A damaged file costs the numbers that need its rows, and this one does not: its days are counted as the catalogue has
    them, see `_without`.

    Args:
        lake: the lake.
        loop, table: whose rows.
        instant: the column that tells when a row happened.
        where: column → the text that it must hold; None: all rows.
    """
    wanted, snapshot = dict(where or {}), lake.snapshot()
    key = (loop, table, instant, *wanted.items())
    with _LOCK:
        known = _KNOWN.setdefault(lake, {}).get(key)
    if known is not None and known[0] == snapshot:
        return known[1]
    try:
        found = Activity.of(_counted(lake, loop, table, instant, wanted))
    except DamagedFileError as damage:
        # Not remembered: the file may be restored within the snapshot.
        return Activity.of(_without(lake, loop, table, instant, wanted, damage))
    with _LOCK:
        _KNOWN.setdefault(lake, {})[key] = snapshot, found
    return found


def _counted(
    lake: Lake, loop: str, table: str, instant: str, wanted: Mapping[str, str], lost: Sequence[Extent] = ()
) -> list[tuple[int, int]]:
    """(day since 1970, rows) of the rows outside what is lost."""
    apart = [f"({instant} < make_timestamptz({one.first}) or {instant} > make_timestamptz({one.last}))" for one in lost]
    conditions = " and ".join([happened(instant), *apart, *(f"{column} = ${column}" for column in wanted)])
    pinned = f"lake.{quoted(loop, table)} at (version => {lake.snapshot()})"
    sql = f"select epoch_us({instant}) // {_DAY} as day, count(*) from {pinned} where {conditions} group by day"
    return lake.rows_apart(sql, wanted)


def _without(
    lake: Lake, loop: str, table: str, instant: str, wanted: Mapping[str, str], damage: DamagedFileError
) -> list[tuple[int, int]]:
    """The same where files are damaged: between the first and the last instant of such a file nothing is read; the rows of
    the files there count as spread evenly over their days.

    Raises:
        DamagedFileError: a file is damaged of which the catalogue has no instants.
    """
    extents = {one.path: one for one in lake.fingerprints.extents(loop, table, instant, wanted)}
    lost: dict[str, Extent] = {}
    while True:
        if damage.path not in extents or damage.path in lost:
            raise damage
        lost[damage.path] = extents[damage.path]
        try:
            read = _counted(lake, loop, table, instant, wanted, list(lost.values()))
        except DamagedFileError as another:
            damage = another
        else:
            break
    counts = Counter(dict(read))
    for one in (one for one in extents.values() if one.rows):
        days = range(one.first // _DAY, one.last // _DAY + 1)
        share = max(1, round(one.rows / len(days)))
        counts.update({day: share for day in days if any(_inside(day, gone) for gone in lost.values())})
    return list(counts.items())


def _inside(day: int, extent: Extent) -> bool:
    return extent.first // _DAY <= day <= extent.last // _DAY


def _instant(day: int) -> datetime:
    midnight = _EPOCH + timedelta(days=day)
    return datetime(midnight.year, midnight.month, midnight.day, tzinfo=UTC)
