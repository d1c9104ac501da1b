"""What an act was decided on must still be so: the optimistic check of every verb that a person is offered."""

from __future__ import annotations

from collections.abc import Iterable

from loop_core.errors import RefusedError
from loop_core.ledger.entry import Entry

#: Of many changes the newest are named.
NAMED = 3
#: Kind of an entry → what was done, where its last word does not say it.
_WORDS = {
    "release.rolled_back": "rolled back to",
    "release.overridden": "set a gate aside for",
    "charter.changed": "put in force",
    "comparison.made": "compared",
    "quarantine.fixed": "corrected row",
}


def refuse_unseen(what: str, entries: Iterable[Entry], seen: int | None) -> None:
    """Refuse to act on a state that changed after somebody looked at it.

    Args:
        what: the subject in words, e.g. `proposal p1`.
        entries: those that the act depends on, oldest first, read under the write lock.
        seen: length of the ledger when the state was shown (`Ledger.length`); None: nobody was shown anything.

    Raises:
        RefusedError: some of the entries are newer; it names who did what.
    """
    since = [] if seen is None else [entry for entry in entries if entry.seq > seen]
    if since:
        more = f", and {len(since) - NAMED} earlier" if len(since) > NAMED else ""
        said = "; ".join(map(_said, reversed(since[-NAMED:])))
        raise RefusedError(
            f"{what[:1].upper()}{what[1:]} changed since you looked: {said}{more}",
            todo="nothing was done; look again, then decide",
        )


def _said(entry: Entry) -> str:
    words = _WORDS.get(entry.kind) or entry.kind.rpartition(".")[2].replace("_", " ")
    return f"{entry.actor} {words} {entry.subject}"
