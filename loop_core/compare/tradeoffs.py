"""Trade-offs on disk: one JSON file an instant. They rest on a clock, so they are in neither scorecards nor ledger."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from loop_core.compare.tradeoff import Tradeoff
from loop_core.errors import StorageError
from loop_core.frames import to_json
from loop_core.workspace import Loop

_STAMP = "%Y%m%dT%H%M%S.%f"


def save_tradeoff(loop: Loop, found: Tradeoff) -> Path:
    """Write it; another one of the same instant is replaced. StorageError where that cannot be."""
    path = _folder(loop) / f"{found.as_of.astimezone(UTC).strftime(_STAMP)}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
        beside.write_text(json.dumps(to_json(found), indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise StorageError(
            f"The trade-off cannot be written to {path} ({error.strerror})",
            "free space in a folder this user may write",
            "make room or change permissions, then retry",
        ) from None
    return path


def latest_tradeoff(loop: Loop, as_of: datetime) -> Tradeoff | None:
    """The newest one of this instant or before; None: there is none that can be read, and one has to be made."""
    until = as_of.astimezone(UTC).strftime(_STAMP)
    for path in sorted(_folder(loop).glob("*.json"), reverse=True):
        if path.stem <= until:
            try:
                return Tradeoff.from_json(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return None


def _folder(loop: Loop) -> Path:
    return loop.workspace.reports / loop.name / "tradeoffs"
