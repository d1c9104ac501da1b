"""What the ledger's end was at an instant, kept outside its database: so that an end that was cut off is missed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loop_core.errors import SourceError, StorageError
from loop_core.layout import is_shared
from loop_core.texts import read_text

ANCHOR_FILE = "ledger.anchors"
_LINE = re.compile(r"(?P<seq>\d{1,18})\s+(?P<hash>[0-9a-f]{64})\s+(?P<at>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00))")


@dataclass(frozen=True)
class Anchor:
    """The newest entry of the ledger at some instant."""

    seq: int
    """Its number, and so the length of the ledger; 0: there was none yet."""
    hash: str
    at: datetime
    """Wall-clock UTC instant at which it was appended."""
    source: str = ANCHOR_FILE
    """Where this was read."""

    @property
    def text(self) -> str:
        """One line, to keep anywhere: number, hash, instant."""
        return f"{self.seq} {self.hash} {self.at.isoformat()}"


def append_anchor(folder: Path, anchor: Anchor) -> None:
    """Add a line to the workspace's anchors. Where that fails the entry stays on record, and `verify` says how far anchors reach."""
    path = folder / ANCHOR_FILE
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o660 if is_shared(folder) else 0o600)
        try:
            os.write(descriptor, f"{anchor.text}\n".encode())
        finally:
            os.close(descriptor)


def set_aside(folder: Path, newest: Anchor) -> str:
    """Put the workspace's anchors aside and begin with one entry → name of the file that keeps the old ones.

    Raises:
        StorageError: the folder cannot be written.
    """
    kept = f"{ANCHOR_FILE}.before-{newest.seq}-{newest.hash[:8]}"
    try:
        with suppress(FileNotFoundError):
            (folder / ANCHOR_FILE).rename(folder / kept)
    except OSError as error:
        raise StorageError(
            f"{folder / ANCHOR_FILE} cannot be moved ({error.strerror})", todo="change its permissions"
        ) from None
    append_anchor(folder, newest)
    return kept


def read_anchors(folder: Path) -> list[Anchor]:
    """The workspace's own anchors, in the order they were written.

    Raises:
        StorageError: the file cannot be read.
    """
    path = folder / ANCHOR_FILE
    try:
        return list(_anchors(read_text(path, errors="replace", most=None), ANCHOR_FILE))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})", todo="change its permissions") from None


def given_anchors(text_or_file: str) -> list[Anchor]:
    """Anchors that somebody kept elsewhere, as text or in a file.

    Raises:
        SourceError: there is none in it.
    """
    found = list(_anchors(text_or_file, "the given anchor"))
    if found:
        return found
    try:
        found = list(_anchors(read_text(Path(text_or_file), errors="replace"), text_or_file))
    except OSError:
        found = []
    if not found:
        raise SourceError(
            f"There is no anchor in {text_or_file!r}",
            todo="give a line that `loop ledger anchor` printed, or a file of them",
        )
    return found


def _anchors(text: str, source: str) -> Iterator[Anchor]:
    for match in _LINE.finditer(text):
        with suppress(ValueError):
            yield Anchor(int(match["seq"]), match["hash"], datetime.fromisoformat(match["at"]), source)
