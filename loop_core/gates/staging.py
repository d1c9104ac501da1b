"""Rows between source and lake: read, typed, gated and written to Parquet outside any lock, in bounded memory."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from loop_core.errors import LoopbenchError, SourceError, StorageError
from loop_core.gates.batch_stats import StatsCounter
from loop_core.gates.rows import Parted, part_rows
from loop_core.gates.rules import row_rules
from loop_core.gates.staged import Staged, StagedFiles
from loop_core.gates.typed import TypedQuery
from loop_core.gates.unread import UnreadCells, where_to_set
from loop_core.lake import can_adopt, signal_columns
from loop_core.lake.files import Reader, Rejected, Relation, opened
from loop_core.lake.tables import EVENT_TIME
from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    import polars as pl

    from loop_core.workspace import Loop

Progress = Callable[[float, str], None]
#: From this many rows on, files are staged so that the lake can take them as they are.
_ADOPTED_ROWS = 1_000


class Readable(Protocol):
    """What staging needs of a source."""

    @property
    def name(self) -> str: ...
    @property
    def relation(self) -> Relation: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def content(self) -> str | None: ...
    @property
    def chunk_rows(self) -> int: ...


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """A folder of this process under the workspace's `staging`, gone afterwards.

    Raises:
        StorageError: it cannot be written, or the disk fills up while it is.
    """
    folder = root / f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except LoopbenchError:
        raise
    except Exception as error:
        # polars reports a full disk as an error of its own, with the system's words in its text.
        full = "No space left" in str(error)
        if not full and not isinstance(error, OSError):
            raise
        reason = "No space left on device" if full else getattr(error, "strerror", None) or error
        raise StorageError(
            f"{root} cannot be written ({reason})",
            "room for the batch, outside the lake, while it is checked",
            "free some space" if full else "change its permissions",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale(root: Path) -> int:
    """Remove staging folders whose process on this host is gone; how many."""
    stale = [folder for folder in root.glob(f"{socket.gethostname()}-*") if not _alive(int(folder.name.split("-")[-2]))]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def stage(
    loop: Loop,
    signal: Signal,
    source: Readable,
    query: TypedQuery,
    folder: Path,
    as_of: datetime,
    progress: Progress | None,
) -> Staged:
    """Read a source to its end and part it. Nothing of the lake is read or changed.

    Raises:
        SourceError: unreadable, a time without zone, or no rows.
        StorageError: no room for the staged rows.
    """
    import polars as pl

    schema = row_rules(loop.charter, signal, as_of)
    digest = hashlib.sha256()
    rules: Counter[str] = Counter()
    received = accepted = failed = 0
    good = _row_files(loop, signal, source, folder)
    bad = StagedFiles(folder / "failed")
    stats, unread = StatsCounter(EVENT_TIME[signal]), UnreadCells(loop, signal)
    with opened(source.relation) as reader:
        for frame in _ahead(_chunks(reader, query, source, digest)):
            _refuse_naive(loop, frame, received)
            numbered = frame.drop("_naive").with_columns(
                _row=pl.int_range(received, received + frame.height, dtype=pl.Int64)
            )
            parted = part_rows(schema, numbered)
            good.write(parted.accepted)
            stats.add(parted.accepted)
            bad.write(parted.failed)
            unread.add(parted.failed)
            rules.update(_counted(parted))
            received, accepted, failed = (
                received + frame.height,
                accepted + parted.accepted.height,
                failed + parted.failed.height,
            )
            if progress is not None:
                progress(
                    min(0.8, 0.8 * received / (source.rows or received * 2)),
                    f"{received:,} rows of {source.name} checked",
                )
        lines = reader.rejected()
        if lines:
            good.write(schema.create_empty())
            bad.write(_lines(lines))
            rules.update(_line_rule(line) for line in lines)
    good.close()
    bad.close()
    if received + len(lines) == 0:
        raise SourceError(f"{source.name} gave no rows", "at least one row", "check the file or query")
    return Staged(
        batch_id=batch_id(loop.name, signal, source.content or digest.hexdigest()),
        folder=folder,
        received=received + len(lines),
        accepted=accepted,
        failed=failed + len(lines),
        rules=rules,
        adoptable=good.monthly and good.few,
        stats=stats.stats(),
        notes=unread.notes(),
    )


def batch_id(loop: str, signal: Signal | Delivery, content: str) -> str:
    """The id of a delivery: sha256 over loop, signal and the hash of its content."""
    return hashlib.sha256(f"{loop}\n{signal.value}\n{content}".encode()).hexdigest()


def _row_files(loop: Loop, signal: Signal, source: Readable, folder: Path) -> StagedFiles:
    """Where accepted rows go: to files the lake can take, where the batch has its id already and is worth it."""
    known, columns = source.content is not None, signal_columns(loop.charter, signal)
    monthly = known and (source.rows or 0) >= _ADOPTED_ROWS and can_adopt(loop.lake.location, columns)
    identity = batch_id(loop.name, signal, source.content or "")
    return StagedFiles(folder / "rows", identity, EVENT_TIME[signal] if monthly else None)


def _chunks(reader: Reader, query: TypedQuery, source: Readable, digest: hashlib._Hash) -> Iterator[pl.DataFrame]:
    import polars as pl

    for batch in reader.batches(query.sql, source.chunk_rows, query.parameters):
        frame = pl.DataFrame(pl.from_arrow(batch))
        if source.content is None:
            digest.update(frame.drop("_bad").write_csv(include_header=False).encode())
        yield frame


def _ahead(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same frames, the next one read in a thread while this one is gated and written."""
    with ThreadPoolExecutor(1, "ahead") as thread:
        following = thread.submit(next, frames, None)
        while (frame := following.result()) is not None:
            following = thread.submit(next, frames, None)
            yield frame


def _refuse_naive(loop: Loop, frame: pl.DataFrame, before: int) -> None:
    naive = frame["_naive"]
    if naive.null_count() < frame.height:
        place = int(naive.is_not_null().arg_max() or 0)
        setting = where_to_set(loop, "loop", 'timezone = "America/Sao_Paulo"')
        raise SourceError(
            f"The time {naive[place]!r} in row {before + place + 1:,} carries no zone",
            todo=f"write times with their zone (2018-08-27T14:00:00-03:00), or, naming the zone they are in, {setting}",
        )


def _counted(parted: Parted) -> dict[str, int]:
    if parted.failed.height == 0:
        return {}
    return dict(parted.failed["rules"].explode().value_counts().iter_rows())


def _line_rule(line: Rejected) -> str:
    return "row.columns" if "COLUMNS" in line.reason else "row.malformed"


def _lines(lines: list[Rejected]) -> pl.DataFrame:
    """Rejected lines as failed rows; their `_row` is minus their line, which no record has."""
    import json

    import polars as pl

    return pl.DataFrame(
        {
            "_row": [-line.line for line in lines],
            "rules": [[_line_rule(line)] for line in lines],
            "row_json": [
                json.dumps({"_line": line.text[:10_000], "_number": line.line}, ensure_ascii=False) for line in lines
            ],
        },
        schema={"_row": pl.Int64, "rules": pl.List(pl.String), "row_json": pl.String},
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
