"""One ledger entry, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import rfc8785

#: `prev_hash` of the first entry.
GENESIS = "0" * 64
_HASHED = ("seq", "at", "as_of", "loop", "kind", "subject", "actor", "reason", "payload", "prev_hash")


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
    """Keyed hash over everything above and the idempotency key, hex; see `entry_hash`."""


def canonical(payload: Mapping[str, Any]) -> str:
    """The one JSON text of a payload: sorted keys, no spaces, no NaN."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def entry_hash(fields: Mapping[str, Any], secret: bytes | None) -> str:
    """The hash of an entry's stored fields (all but `hash`), hex: HMAC-SHA256 over their canonical JSON (RFC 8785).

    The payload is hashed as the text it is stored as: RFC 8785 has no numbers above 2^53, and payloads may.

    Args:
        fields: the entry's columns.
        secret: the ledger's key; None: an entry older than it, whose hash is a plain sha256 that leaves the idempotency key out.
    """
    if secret is None:
        return hashlib.sha256(canonical({name: fields[name] for name in _HASHED}).encode()).hexdigest()
    return hmac.new(
        secret, rfc8785.dumps({name: fields[name] for name in (*_HASHED, "key")}), hashlib.sha256
    ).hexdigest()
