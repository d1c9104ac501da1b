"""Append, read and verify the ledger. Entries are never changed or removed; state is a fold over them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from loop_core.clock import now
from loop_core.errors import IntegrityError, RefusedError, StorageError
from loop_core.ledger.anchors import ANCHOR_FILE, Anchor, append_anchor, read_anchors, set_aside
from loop_core.ledger.database import HEAD, explained, open_database, schema_version, set_newest, writing
from loop_core.ledger.entry import GENESIS, Entry, NewEntry, canonical, entry_hash
from loop_core.ledger.key import KEY_FILE, ChainKey, make_key, read_key
from loop_core.ledger.schema import entries as table
from loop_core.ledger.verification import KEYED, RESTORED, ChainReport, keys_digest, verify_chain
from loop_core.people import require_name, same_person


class Filter(TypedDict, total=False):
    """Which entries to read; all given parts must hold."""

    loop: str | None
    kind: str | None
    """Exact, or a prefix that ends in a dot: `release.`"""
    subject: str | None
    actor: str | None
    """A person, however the name is spelled."""
    until: datetime | None
    """Only entries whose `as_of` is at or before this."""


class LedgerTransaction:
    """The ledger while its write lock is held: what is read here cannot change before the append."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        self.connection = connection
        self.newest: Anchor | None = None
        """The last entry that this transaction appended; None: none yet."""
        self._ledger = ledger

    def entries(self, **wanted: Unpack[Filter]) -> list[Entry]:
        """Entries in order, as `Ledger.entries`."""
        return _read(self.connection, wanted)

    def append(self, **new: Unpack[NewEntry]) -> Entry:
        """Add one entry; with a `key` used before, return that entry and add nothing. RefusedError without an actor's name."""
        idempotency = new.get("key")
        if idempotency is not None:
            known = self.connection.execute(select(table).where(table.c.key == idempotency)).mappings().first()
            if known is not None:
                return _entry(known)
        actor = require_name(new["actor"])
        last = self.connection.execute(select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).first()
        seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
        key = self._ledger.chain_key(self.connection, seq)
        if seq == key.since and last:
            mark = self._mark(key, previous, new["as_of"])
            seq, previous = mark.seq + 1, mark.hash
        fields = {
            "seq": seq,
            "at": _iso(now()),
            "as_of": _iso(new["as_of"]),
            "loop": new["loop"],
            "kind": new["kind"],
            "subject": new["subject"],
            "actor": actor,
            "reason": new.get("reason", ""),
            "payload": canonical(new.get("payload", {})),
            "prev_hash": previous,
            "key": idempotency,
        }
        return self._insert(fields, key)

    def _mark(self, key: ChainKey, previous: str, as_of: datetime) -> Entry:
        """The entry between those hashed without a key and those with one; it also seals the older ones' idempotency keys."""
        set_newest(self.connection)
        older = self.connection.execute(select(table.c.seq, table.c.key).order_by(table.c.seq))
        fields = {
            "seq": key.since,
            "at": _iso(now()),
            "as_of": _iso(as_of),
            "loop": "",
            "kind": KEYED,
            "subject": "the rule of the chain",
            "actor": "loopbench",
            "reason": f"entries up to {key.since - 1:,} keep their sha256; from here on hashes are made with the ledger's key",
            "payload": canonical(
                {"rule": "HMAC-SHA256 over RFC 8785", "keys": keys_digest((seq, key) for seq, key in older)}
            ),
            "prev_hash": previous,
            "key": KEYED,
        }
        return self._insert(fields, key)

    def _insert(self, fields: dict[str, Any], key: ChainKey) -> Entry:
        row = fields | {"hash": entry_hash(fields, key.secret)}
        self.connection.execute(insert(table).values(row))
        entry = _entry(row)
        self.newest = Anchor(entry.seq, entry.hash, entry.at)
        return entry


@dataclass(frozen=True)
class Frozen:
    """What there is to know of a copy of a ledger, which nobody writes to."""

    why: str
    """Why it can only be read, as a sentence."""
    anchors: Sequence[Anchor]
    """The workspace's, read before the copy was made: whatever they name is in it."""


class Ledger:
    """The ledger of one workspace."""

    def __init__(self, url: str, folder: Path, *, create: bool = False, frozen: Frozen | None = None) -> None:
        """Open it.

        Args:
            url: its database.
            folder: the workspace's, where key and anchors are.
            create: make the tables and the key where there are none.
            frozen: it is a copy, to be read only; None: it is not.
        """
        self.url, self.folder, self._frozen = url, folder, frozen
        self.engine: Engine = open_database(url, create=create, frozen=frozen.why if frozen else None)
        self._key: ChainKey | None = None
        if create and not self.length():
            self._key = _first_key(folder)

    def close(self) -> None:
        self.engine.dispose()

    def append(self, **new: Unpack[NewEntry]) -> Entry:
        """Add one entry in a transaction of its own."""
        with self.transaction() as tx:
            return tx.append(**new)

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Hold the write lock: read, decide and append as one step. The new end is anchored once it is committed.

        Raises:
            StorageError: the workspace can only be read, among others.
        """
        with writing(self.engine) as connection:
            tx = LedgerTransaction(connection, self)
            yield tx
        if tx.newest is not None:
            append_anchor(self.folder, tx.newest)

    def chain_key(self, connection: Connection, seq: int) -> ChainKey:
        """The key, under the write lock; one from entry `seq` on is made where the ledger is older than keys.

        Raises:
            StorageError: entries were hashed with a key that is not there any more.
        """
        if self._key is None:
            self._key = read_key(self.folder)
        if self._key is None:
            if seq > 1 and schema_version(connection) == HEAD:
                raise StorageError(
                    f"The ledger's key {self.folder / KEY_FILE} is gone, and nothing can be put on record without it",
                    todo="restore it from a backup of the workspace",
                )
            self._key = make_key(self.folder, seq)
        return self._key

    def entries(self, **wanted: Unpack[Filter]) -> list[Entry]:
        """Entries in order; see `Filter` for what can be asked."""
        with explained(self.url), self.engine.connect() as connection:
            return _read(connection, wanted)

    def length(self) -> int:
        """How many entries there are: changes whenever anything was decided."""
        with explained(self.url), self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def verify(self, anchors: Sequence[Anchor] = ()) -> ChainReport:
        """Recompute every hash from the first entry on, and see that what was anchored is there.

        Args:
            anchors: anchors kept elsewhere (`given_anchors`), beside those of the workspace.
        """
        # Read before the entries: whatever they name was committed by then.
        anchored = [*(self._frozen.anchors if self._frozen else read_anchors(self.folder)), *anchors]
        key, problem = None, ""
        try:
            key = read_key(self.folder)
        except StorageError as error:
            problem = str(error)
        with explained(self.url), self.engine.connect() as connection:
            if key is None and not problem and schema_version(connection) == HEAD:
                problem = f"The ledger's key {self.folder / KEY_FILE} is gone. To do: restore it from a backup."
            rows = connection.execute(select(table).order_by(table.c.seq)).mappings()
            return verify_chain(map(dict, rows), key, anchored, problem=problem)

    def note_restored(self, *, actor: str, reason: str) -> tuple[Entry, str]:
        """Put on record that an older ledger was put back, and go on from its end → that entry, and the file in which the
        anchors of what is lost are kept.

        Raises:
            RefusedError: nothing is missing at its end, or no reason is given.
            IntegrityError: entries were altered, which no backup explains.
        """
        if not reason.strip():
            raise RefusedError("No reason was given", "why entries are missing at the end", "add it")
        report = self.verify()
        if report.integrity.state != "whole":
            raise IntegrityError(
                report.integrity.sentence, todo="compare with a backup; find out who changed the database"
            )
        lost = report.completeness.anchor
        if report.completeness.state != "broken" or lost is None:
            raise RefusedError("Nothing is missing at the end of the ledger, so nothing was put back")
        with self.transaction() as tx:
            # First on record, then the file: stopped in between, the same is asked again.
            entry = tx.append(
                kind=RESTORED,
                loop="",
                subject=f"entry {report.n:,}",
                actor=actor,
                as_of=now(),
                reason=reason,
                payload={
                    "end": [report.n, report.head],
                    "anchored": lost.text,
                    "faults": list(report.completeness.faults),
                },
            )
        return entry, set_aside(self.folder, Anchor(entry.seq, entry.hash, entry.at))

    def anchor(self) -> Anchor:
        """The present end of the ledger, to be kept somewhere else.

        Raises:
            IntegrityError: the ledger was tampered with, and its end would vouch for that.
        """
        report = self.verify()
        if not report.is_whole:
            raise IntegrityError(report.sentence, todo="`loop ledger verify` names everything; compare with a backup")
        return report.end


def _first_key(folder: Path) -> ChainKey:
    """The key of a new ledger. One that an `init` left which was killed is taken on."""
    key = read_key(folder)
    if (folder / ANCHOR_FILE).exists() or (key is not None and key.since != 1):
        raise RefusedError(
            f"{folder} holds the key or the anchors of a ledger that is not there",
            todo=f"restore that ledger, or move {KEY_FILE} and {ANCHOR_FILE} elsewhere",
        )
    return key or make_key(folder, 1)


def _read(connection: Connection, wanted: Filter) -> list[Entry]:
    query = select(table).order_by(table.c.seq)
    for name in ("loop", "subject"):
        if wanted.get(name) is not None:
            query = query.where(table.c[name] == wanted[name])
    kind, until = wanted.get("kind"), wanted.get("until")
    if kind is not None:
        query = query.where(table.c.kind.startswith(kind) if kind.endswith(".") else table.c.kind == kind)
    if until is not None:
        query = query.where(table.c.as_of <= _iso(until))
    found = [_entry(row) for row in connection.execute(query).mappings()]
    actor = wanted.get("actor")
    return found if actor is None else [entry for entry in found if same_person(entry.actor, actor)]


def _entry(row: RowMapping | dict[str, Any]) -> Entry:
    values = {name: value for name, value in row.items() if name != "key"}
    instants = {name: datetime.fromisoformat(values[name]) for name in ("at", "as_of")}
    return Entry(**{**values, **instants, "payload": json.loads(values["payload"])})


def _iso(moment: datetime) -> str:
    # Always with microseconds, so that texts sort as the instants do.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
