"""Two questions about the ledger, answered apart: is what is there unaltered, and is nothing missing at its end?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import rfc8785

from loop_core.ledger.anchors import Anchor
from loop_core.ledger.entry import GENESIS, entry_hash
from loop_core.ledger.key import KEY_FILE, ChainKey

#: Kind of the one entry that parts entries hashed without a key from those with one.
KEYED = "ledger.keyed"
#: The entry that tells of an older ledger that was put back.
RESTORED = "ledger.restored"
#: Of many faults the first are told apart and listed.
NAMED = 10
Answer = Literal["whole", "broken", "unknown"]


@dataclass(frozen=True)
class Integrity:
    """Whether the entries that are there are those that were written, in their order."""

    state: Answer
    """`unknown`: the key is not at hand, so only the links between entries were checked."""
    broken_at: int | None
    """Number of the first entry that is missing, altered or out of place; None: there is none."""
    faults: tuple[str, ...]
    """The first ten of what was found, one sentence each."""
    sentence: str


@dataclass(frozen=True)
class Completeness:
    """Whether an end of the ledger that was there once is still there."""

    state: Answer
    """`unknown`: nothing was ever anchored."""
    anchor: Anchor | None
    """The newest anchor that was compared; None: there is none."""
    unanchored: int
    """Entries after it: were they cut off, nobody would notice."""
    faults: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class ChainReport:
    """What a check of the whole ledger found."""

    n: int
    """Entries read."""
    head: str
    """Hash of the last entry (64 zeros when empty)."""
    at: datetime | None
    """Wall-clock UTC instant of the last entry; None: there is none."""
    integrity: Integrity
    completeness: Completeness

    @property
    def broken_at(self) -> int | None:
        return self.integrity.broken_at

    @property
    def is_whole(self) -> bool:
        """Every entry is as it was written, and no end that was anchored is missing."""
        return self.integrity.state == "whole" and self.completeness.state != "broken"

    @property
    def end(self) -> Anchor:
        """The last entry as an anchor."""
        return Anchor(self.n, self.head, self.at or datetime.fromtimestamp(0, UTC))

    @property
    def sentence(self) -> str:
        """Both answers."""
        return f"{self.integrity.sentence} {self.completeness.sentence}"


@dataclass(frozen=True)
class _Link:
    """One entry as far as the chain goes."""

    seq: int
    prev_hash: str
    hash: str
    altered: Mapping[str, Any] | None
    """The entry, where its hash is not that of its content."""


def keys_digest(older: Iterable[tuple[int, str | None]]) -> str:
    """What the mark of the change of rule says of older entries' idempotency keys, which their own hashes leave out."""
    return hashlib.sha256(rfc8785.dumps([[seq, key] for seq, key in older])).hexdigest()


def verify_chain(
    rows: Iterable[Mapping[str, Any]], key: ChainKey | None, anchors: Sequence[Anchor], *, problem: str = ""
) -> ChainReport:
    """Check every entry and every anchor.

    Args:
        rows: all entries, by number.
        key: the ledger's; None: it has none yet, or `problem`.
        anchors: the workspace's and those given.
        problem: why the key is not at hand.
    """
    links: list[_Link] = []
    older: list[tuple[int, str | None]] = []
    sealed, last = None, None
    for row in rows:
        last = row
        links.append(_link(row, key, checkable=not problem))
        if key is not None and row["seq"] < key.since:
            older.append((row["seq"], row["key"]))
        elif key is not None and row["seq"] == key.since and row["kind"] == KEYED:
            sealed = row["payload"]
    faults = list(_faults(links, key))
    if older and key is not None and len(links) >= key.since and not (sealed and keys_digest(older) in sealed):
        faults.append((key.since, f"An idempotency key of the entries before {key.since:,} was changed."))
    return ChainReport(
        n=links[-1].seq if links else 0,
        head=links[-1].hash if links else GENESIS,
        at=datetime.fromisoformat(last["at"]) if last else None,
        integrity=_integrity(links, faults, key, problem),
        completeness=_completeness(links, anchors),
    )


def _link(row: Mapping[str, Any], key: ChainKey | None, *, checkable: bool) -> _Link:
    holds = not checkable or _hash(row, key) == row["hash"]
    return _Link(row["seq"], row["prev_hash"], row["hash"], None if holds else row)


def _hash(row: Mapping[str, Any], key: ChainKey | None) -> str | None:
    """What an entry's hash should be; None: its content is nothing that the ledger writes."""
    try:
        return entry_hash(row, key.secret if key and row["seq"] >= key.since else None)
    except (ValueError, TypeError):
        return None


def _faults(links: Sequence[_Link], key: ChainKey | None) -> Iterator[tuple[int, str]]:
    """(entry, what is wrong there), by number."""
    following, previous, n = 1, GENESIS, 0
    for link in links:
        if link.seq > following:
            yield following, _missing(following, link.seq - 1)
        if link.altered is not None:
            n += 1
            yield link.seq, _altered(link, link.altered, key, links) if n <= NAMED else ""
        elif link.seq == following and previous not in ("", link.prev_hash):
            yield (
                link.seq,
                f"Entry {link.seq:,} does not follow from the one before it, which is another one than was there.",
            )
        # What follows an altered entry follows from the one that was there.
        following, previous = link.seq + 1, "" if link.altered is not None else link.hash


def _missing(first: int, last: int) -> str:
    return f"Entry {first:,} is missing." if first == last else f"Entries {first:,} to {last:,} are missing."


def _altered(link: _Link, row: Mapping[str, Any], key: ChainKey | None, links: Sequence[_Link]) -> str:
    places = (other.seq for other in links if _hash({**row, "seq": other.seq}, key) == link.hash)
    if (place := next(places, None)) is not None:
        return f"Entry {link.seq:,} was moved: it was written as entry {place:,}."
    if key is not None and link.seq >= key.since and _hash(row, None) == link.hash:
        return f"Entry {link.seq:,} was written without the ledger's key."
    return f"Entry {link.seq:,} was changed or inserted: its hash is not that of its content."


def _integrity(
    links: Sequence[_Link], faults: Sequence[tuple[int, str]], key: ChainKey | None, problem: str
) -> Integrity:
    named = tuple(sentence for _, sentence in faults if sentence)[:NAMED]
    n = len(links)
    if faults:
        more = f" {len(faults) - 3:,} more entries are wrong." if len(faults) > 3 else ""
        keyed = [link for link in links if key is not None and link.seq >= key.since]
        if len(keyed) > 1 and all(link.altered is not None for link in keyed):
            more += f" None agrees with {KEY_FILE}: is it this workspace's?"
        return Integrity("broken", min(seq for seq, _ in faults), named, " ".join(named[:3]) + more)
    if problem:
        return Integrity(
            "unknown",
            None,
            (),
            f"The {n:,} entries follow from one another, but whether they are genuine cannot be checked. {problem}",
        )
    ruled = "" if key is not None or not n else " The next one brings in a key, which they have none of yet."
    sentence = f"All {n:,} entries are as they were written.{ruled}" if n else "Nothing is on record yet."
    return Integrity("whole", None, (), sentence)


def _completeness(links: Sequence[_Link], anchors: Sequence[Anchor]) -> Completeness:
    end = links[-1].seq if links else 0
    if not anchors:
        return Completeness(
            "unknown", None, end, (), "Whether an end was cut off is not known: nothing is anchored yet."
        )
    newest = max(anchors, key=lambda anchor: anchor.seq)
    there = {0: GENESIS} | {link.seq: link.hash for link in links}
    altered = {link.seq for link in links if link.altered is not None}
    other = [
        anchor
        for anchor in anchors
        if anchor.seq in there and there[anchor.seq] != anchor.hash and (anchor is newest or anchor.seq not in altered)
    ]
    faults = [f"{_missing(end + 1, newest.seq)[:-1]} at the end: {_told(newest)}."] if newest.seq > end else []
    if other:
        first = min(other, key=lambda anchor: anchor.seq)
        faults.append(f"From entry {first.seq:,} on the end was replaced: another entry {_told(first)}.")
    unanchored = max(end - newest.seq, 0)
    if faults:
        return Completeness("broken", newest, unanchored, tuple(faults), " ".join(faults))
    said = f"Nothing is missing up to entry {newest.seq:,}, {_told(newest)}."
    later = f" Newer entries: {unanchored:,}, not anchored yet." if unanchored else ""
    return Completeness("whole", newest, unanchored, (), said + later)


def _told(anchor: Anchor) -> str:
    return f"anchored {anchor.at:%Y-%m-%d %H:%M} UTC in {anchor.source}"
