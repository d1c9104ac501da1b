"""One ledger entry, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

#: `prev_hash` of the first entry.
GENESIS = "0" * 64


class NewEntry(TypedDict):
    """What a verb says when it appends."""

    kind: str
    """What happened, e.g. `release.promoted`."""
    loop: str
    subject: str
    """What it happened to: a model version, a batch id, a proposal."""
    actor: str
    as_of: datetime
    """The instant in the loop's own time, which a replay moves; the wall-clock instant is added by the ledger."""
    reason: NotRequired[str]
    payload: NotRequired[Mapping[str, Any]]
    """Plain JSON evidence; nothing random and no durations, so equal runs write equal ledgers."""
    key: NotRequired[str | None]
    """Idempotency key: a second append with the same key returns the first entry."""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger."""

    seq: int
    """1, 2, 3, … without gaps."""
    at: datetime
    """Wall-clock UTC instant of the append."""
    as_of: datetime
    """UTC instant in the loop's own time."""
    loop: str
    kind: str
    subject: str
    actor: str
    reason: str
    payload: dict[str, Any]
    prev_hash: str
    hash: str
    """sha256 over everything above, hex."""


def canonical(payload: Mapping[str, Any]) -> str:
    """The one JSON text of a payload: sorted keys, no spaces, no NaN."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def entry_hash(fields: Mapping[str, Any]) -> str:
    """sha256 of an entry's stored fields (all but `hash` and the idempotency key)."""
    names = ("seq", "at", "as_of", "loop", "kind", "subject", "actor", "reason", "payload", "prev_hash")
    return hashlib.sha256(canonical({name: fields[name] for name in names}).encode()).hexdigest()
