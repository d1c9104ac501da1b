"""State as a fold over entries: who serves at an instant, and who did before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from loop_core.ledger.entry import Entry

#: Entries after which another model serves; their subject is its version.
CHAMPION_KINDS = ("release.promoted", "release.rolled_back")


def champion(entries: Iterable[Entry]) -> str | None:
    """The version that serves after these entries; None: none was ever promoted."""
    last = None
    for entry in entries:
        if entry.kind in CHAMPION_KINDS:
            last = entry.subject
    return last


def tenures(entries: Iterable[Entry]) -> list[tuple[str, datetime]]:
    """Every (version, serving since), in the loop's own time, oldest first."""
    return [(entry.subject, entry.as_of) for entry in entries if entry.kind in CHAMPION_KINDS]


def predecessors(entries: Iterable[Entry]) -> list[str]:
    """Versions worth going back to, newest first: those that served before, but for the one that serves and for those that
    were rolled back from and have not served since."""
    served: list[str] = []
    left: set[str] = set()
    for entry in entries:
        if entry.kind == "release.rolled_back":
            left.add(entry.payload["previous"])
        if entry.kind in CHAMPION_KINDS:
            served.append(entry.subject)
            left.discard(entry.subject)
    return [version for version in dict.fromkeys(reversed(served)) if version not in {*left, served[-1]}]
