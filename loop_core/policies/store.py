"""Results of policy replays on disk: one JSON file each, named by its content. They are no part of the record."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import replace
from pathlib import Path

from loop_core.errors import IntegrityError, StorageError, UnknownNameError
from loop_core.policies.result import PolicyReplay
from loop_core.workspace import Loop


def save_replay(loop: Loop, result: PolicyReplay) -> PolicyReplay:
    """Write a result, and give it back with its id. The same content again changes nothing.

    Raises:
        StorageError: it cannot be written.
    """
    named = replace(result, id=_content_id(result))
    text = json.dumps(named.to_json(), indent=1, ensure_ascii=False)
    write_text(_folder(loop) / f"{named.id}.json", text)
    return named


def load_replay(loop: Loop, replay_id: str) -> PolicyReplay:
    """Read and verify a stored result.

    Raises:
        UnknownNameError: there is none of that id.
        IntegrityError: its file was changed.
    """
    known = {path.stem for path in _folder(loop).glob("*.json")}
    if replay_id not in known:
        raise UnknownNameError("policy replay", replay_id, known)
    try:
        found = PolicyReplay.from_json(json.loads((_folder(loop) / f"{replay_id}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"Policy replay {replay_id} cannot be read ({error})", "the file that was written", "replay it again"
        ) from None
    if _content_id(found) != replay_id:
        raise IntegrityError(
            f"Policy replay {replay_id} was changed on disk", "the content it was stored with", "replay it again"
        )
    return found


def list_replays(loop: Loop) -> list[str]:
    """Ids of stored results, the newest first."""
    files = sorted(_folder(loop).glob("*.json"), key=lambda path: (-path.stat().st_mtime, path.name))
    return [path.stem for path in files]


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and rename it into it: a kill leaves all or nothing. StorageError where it cannot be."""
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written ({error.strerror})",
            "free space in a folder this user may write",
            "make room or change permissions, then retry",
        ) from None


def _folder(loop: Loop) -> Path:
    return loop.workspace.reports / loop.name / "policies"


def _content_id(result: PolicyReplay) -> str:
    content = {name: value for name, value in result.to_json().items() if name != "id"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]
