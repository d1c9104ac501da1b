"""Files of the lake that are not as they were written: what is wrong with each, whose rows are in it, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from loop_core.errors import DamagedFileError, LoopbenchError
from loop_core.lake.explain import explain, file_of
from loop_core.lake.fingerprints import Fingerprints, LakeFile, tail_hash, whole_hash
from loop_core.lake.tables import quoted
from loop_core.vocabulary import Delivery

if TYPE_CHECKING:
    from loop_core.lake.connection import Lake

#: Of an error that names no file, so much of the lake is read to find the file.
_SEARCH_BYTES = 1_000_000_000
#: What a file that cannot be decoded ends in; each of them may also come from elsewhere.
_DECODING = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
_BATCHES_SHOWN = 3
_DELIVERED = {delivery.value for delivery in Delivery}


@dataclass(frozen=True)
class DamagedFile:
    """A file that is gone, or another than was written."""

    file_id: int
    path: str
    loop: str
    table: str
    fault: str
    """What is wrong with it, as the rest of a sentence about it."""
    current: bool
    """Whether the newest snapshot names it; else only what is pinned to an older one needs it."""
    batch_ids: tuple[str, ...]
    """Whose rows are in it; empty: of no batch, or not known."""
    batches: tuple[str, ...]
    """The same as people know them, each as `predictions from a.csv (batch 0123456789ab)`."""

    @property
    def sentence(self) -> str:
        """What is wrong, and with whose rows."""
        return f"{self.path} {self.fault}{self.of}"

    @property
    def of(self) -> str:
        """Whose rows are in it, as the end of a sentence."""
        more = len(self.batches) - _BATCHES_SHOWN
        shown = [*self.batches[:_BATCHES_SHOWN], *([f"{more:,} other batches"] if more > 0 else [])]
        pinned = "" if self.current else ", and only what is pinned to an older snapshot needs it"
        if not shown:
            return f". It holds rows of {self.loop}.{self.table}{pinned}"
        return f". In it are rows of {', '.join(shown)}{pinned}"

    @property
    def todo(self) -> str:
        """The way back."""
        if self.table in _DELIVERED and self.batches and self.current:
            return (
                "restore it from a backup, or give `loop ingest` the same files again: it takes what is lacking;"
                " or take the batches out with `loop retract`"
            )
        return "restore it from a backup"


def damaged_files(prints: Fingerprints, files: Iterable[LakeFile], *, deep: bool) -> Iterator[DamagedFile]:
    """Those of the files that are not as they were written.

    Args:
        prints: of the lake.
        files: of the lake.
        deep: read them to the end; False: their size and their last 64 KB.
    """
    for file in files:
        fault = _fault(file, deep)
        # Maintenance may have removed it since it was listed.
        if fault is not None and prints.names(file):
            yield DamagedFile(
                file.file_id, file.path, file.loop, file.table, fault, file.current, file.batches, _named(prints, file)
            )


def damage_behind(prints: Fingerprints, error: duckdb.Error) -> LoopbenchError:
    """An error of a query in the product's words: where a damaged file is behind it, that file."""
    if not prints.local or not (type(error) is duckdb.Error or isinstance(error, _DECODING)):
        return explain(error)
    path = file_of(error)
    if path is None and isinstance(error, duckdb.InvalidInputException):
        return explain(error)
    try:
        found = _suspect(prints, path)
    except (duckdb.Error, OSError, LoopbenchError):
        found = None
    if found is not None:
        return DamagedFileError(f"{found.sentence}; they are needed here", found.todo, found.path, found.batches)
    return explain(error)


def _suspect(prints: Fingerprints, path: str | None) -> DamagedFile | None:
    files = prints.files()
    if path is not None:
        for file in (file for file in files if Path(file.path) == Path(path)):
            fault = _fault(file, deep=True) or "cannot be decoded"
            return DamagedFile(
                file.file_id, path, file.loop, file.table, fault, file.current, file.batches, _named(prints, file)
            )
        return None
    left, near = _SEARCH_BYTES, []
    for file in sorted((file for file in files if file.current), key=lambda file: file.bytes):
        left -= file.bytes
        near += [file] if left > 0 else []
    return next(damaged_files(prints, near, deep=True), None)


def _fault(file: LakeFile, deep: bool) -> str | None:
    """What is wrong with a file; None: nothing that this look sees."""
    path = Path(file.path)
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"has {size:,} bytes and was written with {file.bytes:,}"
        if file.fingerprint is None:
            return None
        if tail_hash(path) != file.fingerprint.tail:
            return "is another file or has changed since: its end is not what was written"
        if deep and whole_hash(path) != file.fingerprint.sha256:
            return "has changed since: its content is not what was written"
    except FileNotFoundError:
        return "is named by the catalogue and not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def _named(prints: Fingerprints, file: LakeFile) -> tuple[str, ...]:
    """The batches of a file as people know them; by their ids alone where the table of batches cannot be read."""
    if not file.batches:
        return ()
    sql = f"""select batch_id, signal || ' from ' || source_name from lake.{quoted(file.loop, "batches")}
        where list_contains($ids, batch_id)"""
    try:
        with prints.connection.cursor() as cursor:
            names = dict(cursor.execute(sql, {"ids": list(file.batches)}).fetchall())
    except duckdb.Error:
        names = {}
    return tuple(_batch(identity, names) for identity in file.batches)


def _batch(identity: str, names: dict[str, str]) -> str:
    short = f"batch {identity[:12]}"
    return f"{names[identity]} ({short})" if identity in names else short


def damage_of_batches(lake: Lake, batches: Collection[str]) -> list[DamagedFile]:
    """Damaged files that the newest snapshot names, with rows of some batches; each file of theirs is read to its end.

    A file that lists deleted rows counts with the file of those rows: without it they would be back.
    """
    prints = lake.fingerprints
    if not prints.local:
        return []
    files = [file for file in prints.holding(batches) if file.current and not file.deletes]
    return list(damaged_files(prints, files, deep=True))
