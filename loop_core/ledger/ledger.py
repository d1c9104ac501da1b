"""Append, read and verify the ledger. Entries are never changed or removed; state is a fold over them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from loop_core.clock import now
from loop_core.ledger.database import explained, open_database, writing
from loop_core.ledger.entry import GENESIS, Entry, NewEntry, canonical, entry_hash
from loop_core.ledger.schema import entries as table
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


@dataclass(frozen=True)
class ChainReport:
    """Whether the chain of hashes holds."""

    n: int
    """Entries read."""
    head: str
    """Hash of the last entry (64 zeros when empty): note it down elsewhere to notice a cut-off tail."""
    broken_at: int | None
    """seq of the first entry that does not follow from the one before; None: the chain holds."""
    sentence: str


class LedgerTransaction:
    """The ledger while its write lock is held: what is read here cannot change before the append."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def entries(self, **wanted: Unpack[Filter]) -> list[Entry]:
        """Entries in order, as `Ledger.entries`."""
        return _read(self.connection, wanted)

    def append(self, **new: Unpack[NewEntry]) -> Entry:
        """Add one entry; with a `key` used before, return that entry and add nothing. RefusedError without an actor's name."""
        key = new.get("key")
        if key is not None:
            known = self.connection.execute(select(table).where(table.c.key == key)).mappings().first()
            if known is not None:
                return _entry(known)
        last = self.connection.execute(select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).first()
        fields = {
            "seq": last.seq + 1 if last else 1,
            "at": _iso(now()),
            "as_of": _iso(new["as_of"]),
            "loop": new["loop"],
            "kind": new["kind"],
            "subject": new["subject"],
            "actor": require_name(new["actor"]),
            "reason": new.get("reason", ""),
            "payload": canonical(new.get("payload", {})),
            "prev_hash": last.hash if last else GENESIS,
        }
        row = fields | {"hash": entry_hash(fields), "key": key}
        self.connection.execute(insert(table).values(row))
        return _entry(row)


class Ledger:
    """The ledger of one workspace."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        self.url = url
        self.engine: Engine = open_database(url, create=create)

    def close(self) -> None:
        self.engine.dispose()

    def append(self, **new: Unpack[NewEntry]) -> Entry:
        """Add one entry in a transaction of its own."""
        with self.transaction() as tx:
            return tx.append(**new)

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Hold the write lock: read, decide and append as one step."""
        with writing(self.engine) as connection:
            yield LedgerTransaction(connection)

    def entries(self, **wanted: Unpack[Filter]) -> list[Entry]:
        """Entries in order; see `Filter` for what can be asked."""
        with explained(self.url), self.engine.connect() as connection:
            return _read(connection, wanted)

    def length(self) -> int:
        """How many entries there are: changes whenever anything was decided."""
        with explained(self.url), self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def verify(self) -> ChainReport:
        """Recompute every hash from the first entry on."""
        previous, n = GENESIS, 0
        with explained(self.url), self.engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.seq)).mappings():
                n += 1
                if row["seq"] != n or row["prev_hash"] != previous or row["hash"] != entry_hash(dict(row)):
                    return ChainReport(
                        n,
                        previous,
                        row["seq"],
                        f"The chain breaks at entry {row['seq']}: it was changed, or one before it removed.",
                    )
                previous = row["hash"]
        return ChainReport(n, previous, None, f"All {n:,} entries follow from one another.")


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
