"""DuckDB's errors in the product's words."""

from __future__ import annotations

import re

import duckdb

from loop_core.errors import DamagedFileError, LoopbenchError, StorageError
from loop_core.postgres import only_reads

#: The Parquet file that an error is about.
_FILE = re.compile(r"""['"](/[^'"]+\.parquet)['"]""")

#: A read as of a snapshot that expired.
_EXPIRED = re.compile(r"No snapshot found at version (\d+)")


def explain(error: duckdb.Error) -> LoopbenchError:
    """A DuckDB error in the product's words; disk and permission trouble are named as such."""
    text = str(error)
    if "No space left" in text or "disk is full" in text or "database or disk is full" in text:
        return StorageError(
            f"The disk of the workspace is full ({first_line(text)})",
            "free space",
            "free some; nothing was half-written",
        )
    expired = _EXPIRED.search(text)
    if expired:
        return StorageError(
            f"Snapshot {expired[1]} of the lake, which this work is pinned to, was removed by maintenance meanwhile",
            todo="run it again on the newest one; `loop maintain --keep-days` with more days leaves such work its time",
        )
    if refused := only_reads(text):
        return refused
    if "disk I/O error" in text:
        return StorageError(
            f"The disk of the workspace is full, or it fails ({first_line(text)})",
            todo="free some space, or open the workspace again to read it as it is; nothing was half-written",
        )
    if "launched in read-only mode" not in text and any(
        word in text.lower() for word in ("readonly", "read-only", "permission denied", "unable to open database file")
    ):
        return StorageError(
            f"The workspace cannot be written ({first_line(text)})",
            "a folder this user may write",
            "change its permissions",
        )
    if "launched in read-only mode" in text:
        return StorageError(
            "A query tried to write", "a query that only reads", "use the verb that writes; see `loop --help`"
        )
    file = file_of(error)
    if file is not None and isinstance(error, duckdb.IOException | duckdb.InvalidInputException):
        return DamagedFileError(
            f"{file}, a file of the lake, is damaged or not there, and this needs its rows",
            "restore it from a backup; `loop doctor` names every such file",
            file,
        )
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return StorageError(
            f"The lake refused this: {first_line(text).rstrip('!')}", _suggested(text), "correct the query"
        )
    return StorageError(f"The lake refused this: {first_line(text)}")


def file_of(error: duckdb.Error) -> str | None:
    """The Parquet file that an error is about; None: it names none."""
    found = _FILE.search(str(error))
    return found[1] if found else None


def _suggested(text: str) -> str:
    """What DuckDB would have understood, in its own words; SQL where it says nothing."""
    for line in text.splitlines():
        if line.startswith("Candidate bindings: "):
            return "one of " + line.partition(": ")[2]
        if line.startswith("Did you mean "):
            return line.removeprefix("Did you mean ").rstrip("?")
    return "columns and views that are there, in DuckDB's SQL"


def first_line(text: str) -> str:
    """What an error says first; DuckDB adds where in the query it is."""
    return text.strip().splitlines()[0] if text.strip() else "no message"
