"""Files that a command hands out: never written over another, and an error in words where they cannot be written."""

from __future__ import annotations

from pathlib import Path

from loop_core.cli.console import say
from loop_core.errors import RefusedError, StorageError


def refuse_existing(path: Path | None) -> None:
    """Say so before anything is computed. Raises RefusedError: there is something of that name."""
    if path is not None and path.exists():
        raise RefusedError(f"{path} exists already", "a new name", "choose another, or remove it first")


def hand_out(path: Path, text: str, *, quiet: bool = False) -> None:
    """Write a file and say where it is, unless `quiet`. Raises RefusedError as `refuse_existing`, StorageError."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        refuse_existing(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror})",
            "a folder that is there and may be written to",
            "choose another",
        ) from None
    if not quiet:
        say(f"Written to {path}.")
