"""What a replay computed, kept in the workspace by what determines it, so that the next policy is cheap.

Anything may be deleted at any time: it is computed again. A file that was changed is not believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from loop_core.errors import StorageError
from loop_core.policies.store import write_text
from loop_core.workspace import Loop

#: Raised when what is computed from the same inputs changes.
GENERATION = 1
#: What a loop's cache may take on disk; a model of sixty trees takes about 0.1 MB.
MOST_BYTES = 500_000_000


class Cache:
    """Plain JSON by kind and inputs, of one loop."""

    def __init__(self, loop: Loop) -> None:
        self._folder = loop.workspace.path / "cache" / "policies" / loop.name

    def get(self, kind: str, inputs: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        """What `make` makes of the inputs, made where it is not there yet."""
        key = digest([GENERATION, kind, dict(inputs)])
        path = self._folder / kind / f"{key}.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["hash"] == digest(stored["value"]):
                os.utime(path)  # used now
                return stored["value"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there, or no longer what was written
        value = make()
        with suppress(StorageError):  # a full or read-only disk makes replays slow, not wrong
            write_text(path, json.dumps({"hash": digest(value), "value": value}, ensure_ascii=False))
        return value

    def trim(self, most_bytes: int = MOST_BYTES) -> None:
        """Remove what was not used for the longest time, until so many bytes are left."""
        with suppress(OSError):  # another process may be tidying up too
            files = sorted(
                ((path.stat(), path) for path in self._folder.rglob("*.json")), key=lambda one: -one[0].st_mtime
            )
            left = most_bytes
            for about, path in files:
                left -= about.st_size
                if left < 0:
                    path.unlink()


def digest(value: Any) -> str:
    """sha256 of plain JSON, 32 hex digits."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
