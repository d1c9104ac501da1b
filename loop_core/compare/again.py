"""The rows that a comparison was made of, read again and kept for the next question about them."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from loop_core.compare.groups import Grouping, groupings
from loop_core.compare.pairing import Comparison, paired_rows
from loop_core.compare.scorecard import Scorecard
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.lake import Lake
from loop_core.monitor.kept import Kept

if TYPE_CHECKING:
    import numpy.typing as npt

    from loop_core.workspace import Loop

#: Comparisons kept for one lake: a million rows take about 100 MB.
SIZE = 2
_BY_LAKE: WeakKeyDictionary[Lake, Kept] = WeakKeyDictionary()
_LOCK = Lock()


@dataclass(frozen=True)
class Again:
    """The rows of a comparison and the groups they fall into."""

    champion: str
    challenger: str
    rows: Comparison
    groupings: tuple[Grouping, ...]
    """Everybody first, then each declared cohort and pair of cohorts."""
    snapshot: int
    """Lake snapshot that they were read from."""

    def places(self, cohort: str | None, value: str | None) -> npt.NDArray[np.int64]:
        """Places of a group's rows; cohort None: all.

        Raises:
            UnknownNameError: no such cohort, or it has no such value in these rows; the message lists them.
        """
        found = next((one for one in self.groupings if one.cohort == cohort), None)
        if found is None:
            raise UnknownNameError("cohort", cohort, [one.cohort for one in self.groupings if one.cohort])
        if cohort is None:
            return np.arange(len(self.rows.pairs))
        if value not in found.values:
            raise UnknownNameError(f"value of {cohort}", value, found.values)
        return np.flatnonzero(found.codes == found.values.index(value))


def rows_again(loop: Loop, card: Scorecard) -> Again:
    """The paired rows of a comparison; of the newest snapshot where maintenance has removed the card's.

    Raises:
        RefusedError: a first release, which was compared with nothing.
        UnknownNameError, NotReadyError: as `paired_rows`.
    """
    champion = card.champion
    if champion is None:
        raise RefusedError(
            f"Scorecard {card.id} is of a first release", "a comparison of two models", "look at its values instead"
        )
    lake = loop.lake
    read = card.snapshot if lake.has_snapshot(card.snapshot) else lake.snapshot()
    key = (loop.name, loop.charter.hash, champion, card.challenger, card.as_of, card.window_start, read)

    def read_them() -> Again:
        rows = paired_rows(loop, champion, card.challenger, card.as_of, since=card.window_start, snapshot=read)
        return Again(champion, card.challenger, rows, groupings(loop.charter, rows.cohorts, len(rows.pairs)), read)

    found: Again = _kept(lake).get(key, read_them)
    return found


def _kept(lake: Lake) -> Kept:
    with _LOCK:
        return _BY_LAKE.setdefault(lake, Kept(SIZE))
