"""Scorecards on disk: one JSON file each, named by its content, with a ledger entry `comparison.made`."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from loop_core.compare.scorecard import Scorecard
from loop_core.errors import IntegrityError, StorageError, UnknownNameError
from loop_core.workspace import Loop

ID_DIGITS = 12


def identified(card: Scorecard) -> Scorecard:
    """The card with its id: the first digits of the hash of everything else in it, which the ledger holds whole."""
    return replace(card, id=_digest(card.to_json())[:ID_DIGITS])


def save_scorecard(loop: Loop, card: Scorecard, *, actor: str) -> None:
    """Write the file, then its ledger entry, which is the commit point. The same card again changes nothing."""
    path = _folder(loop) / f"{card.id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
        beside.write_text(json.dumps(card.to_json(), indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise StorageError(
            f"The scorecard cannot be written to {path} ({error.strerror})",
            "free space in a folder this user may write",
            "make room or change permissions, then retry",
        ) from None
    loop.ledger.append(
        kind="comparison.made",
        loop=loop.name,
        subject=card.challenger,
        actor=actor,
        as_of=card.as_of,
        reason=card.sentence,
        payload=_payload(card),
        key=f"comparison:{loop.name}:{card.id}",
    )


def load_scorecard(loop: Loop, scorecard_id: str) -> Scorecard:
    """Read and verify a stored comparison.

    Raises:
        UnknownNameError: none of that id on record; the message lists those there are.
        IntegrityError: its file is gone or was changed.
    """
    made = {entry.payload["scorecard"]: entry.payload for entry in loop.entries("comparison.made")}
    if scorecard_id not in made:
        raise UnknownNameError("scorecard", scorecard_id, made)
    path = _folder(loop) / f"{scorecard_id}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        card = Scorecard.from_json(stored)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"Scorecard {scorecard_id} cannot be read ({error})", "the file that was written", "compare again"
        ) from None
    # What was written, not what is read of it: a card of before a field was added stays whole.
    digest = _digest(stored)
    if digest[:ID_DIGITS] != scorecard_id or digest != made[scorecard_id].get("sha256", digest):
        raise IntegrityError(
            f"Scorecard {scorecard_id} was changed on disk", "the content it was stored with", "compare again"
        )
    return card


def damaged_scorecards(loop: Loop) -> tuple[int, list[str]]:
    """Every stored comparison on record, read and checked → how many, and what is wrong, one sentence each."""
    ids = dict.fromkeys(entry.payload["scorecard"] for entry in loop.entries("comparison.made"))
    problems = []
    for scorecard_id in ids:
        try:
            load_scorecard(loop, scorecard_id)
        except IntegrityError as error:
            problems.append(error.given)
    return len(ids), problems


def scorecard_of(loop: Loop, card: Scorecard | str) -> Scorecard:
    """The card itself, or the stored one of that id. Raises as `load_scorecard`."""
    return load_scorecard(loop, card) if isinstance(card, str) else card


def latest_scorecard(loop: Loop, challenger: str) -> Scorecard | None:
    """The newest stored comparison of a challenger; None: it was never compared."""
    entries = loop.ledger.entries(loop=loop.name, kind="comparison.made", subject=challenger)
    return load_scorecard(loop, entries[-1].payload["scorecard"]) if entries else None


def _folder(loop: Loop) -> Path:
    return loop.workspace.reports / loop.name / "scorecards"


def _digest(stored: Mapping[str, Any]) -> str:
    """sha256 over a card's content, hex."""
    content = {name: value for name, value in stored.items() if name != "id"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _payload(card: Scorecard) -> dict[str, object]:
    return {
        "scorecard": card.id,
        "sha256": _digest(card.to_json()),
        "champion": card.champion,
        "challenger": card.challenger,
        "badge": card.badge,
        "n": card.n,
        "window": [card.window_start.isoformat(), card.window_end.isoformat()],
        "gates": {gate.name: gate.state for gate in card.gates},
        "snapshot": card.snapshot,
        "charter_hash": card.charter_hash,
    }
