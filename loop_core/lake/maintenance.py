"""Keeping a DuckLake small and checking that it is whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loop_core.errors import LoopbenchError
from loop_core.lake.connection import Lake

#: Files made in one go by merging: readers wait for a go, and look in between.
_MERGED_AT_ONCE, _MERGES = 8, 1_000
#: A file no snapshot names is left alone for so long: a write may be about to commit it.
_ORPHAN_AGE = "interval '1 day'"


@dataclass(frozen=True)
class MaintenanceReport:
    """What one round of maintenance did."""

    rows_flushed: int
    """Rows moved from the catalogue into Parquet."""
    files_merged: int
    snapshots_expired: int
    snapshots_pinned: int
    """Old snapshots kept: a model's training set is pinned to them, or what came with them is not profiled yet."""
    files_removed: int


@dataclass(frozen=True)
class LakeReport:
    """What a check of the lake found."""

    tables: int
    files: int
    missing: tuple[str, ...]
    """Files the catalogue names that are not there."""
    damaged: tuple[str, ...]
    """Files the catalogue names that are not as it wrote them: cut off, or another file in their place; a sentence each."""
    orphans: tuple[str, ...]
    """Files in the data folder that the catalogue does not name: left by a killed write, harmless."""
    unreadable: tuple[str, ...]
    """Tables a full count failed on, with the reason."""


def maintain_lake(lake: Lake, *, pinned: Collection[int], older_than: datetime) -> MaintenanceReport:
    """Flush inlined rows, merge small files, expire snapshots and remove the files only they needed.

    Each step waits for readers and writers to end and holds up new ones while it works, so nothing is taken from under
    anybody. Snapshots that come while it runs stay, whatever the wall clock says.

    Args:
        lake: an open lake.
        pinned: snapshot ids that stay, whatever their age.
        older_than: snapshots at or after this wall-clock instant stay.
    """
    newest = lake.snapshot()
    flushed = lake.maintain("call ducklake_flush_inlined_data('lake')")
    lake.maintain("call ducklake_rewrite_data_files('lake')")
    merged = _merge(lake)
    old = [
        row[0]
        for row in lake.rows(
            "select snapshot_id from ducklake_snapshots('lake') where snapshot_time < $older_than and snapshot_id < $newest order by 1",
            {"older_than": older_than, "newest": newest},
        )
    ]
    expired = [snapshot for snapshot in old if snapshot not in pinned]
    if expired:
        # The ids come from the catalogue itself; the call takes only a literal list.
        lake.maintain(
            f"call ducklake_expire_snapshots('lake', versions => [{', '.join(str(int(s)) for s in expired)}])"
        )
    removed = lake.maintain(
        "call ducklake_cleanup_old_files('lake', cleanup_all => true)",
        f"call ducklake_delete_orphaned_files('lake', older_than => now() - {_ORPHAN_AGE})",
    )
    return MaintenanceReport(
        rows_flushed=sum(row[2] for row in flushed),
        files_merged=merged,
        snapshots_expired=len(expired),
        snapshots_pinned=len(set(old) & set(pinned)),
        files_removed=len(removed),
    )


def _merge(lake: Lake) -> int:
    """Merge small files, a few at a time; how many were merged."""
    merged = 0
    for _ in range(_MERGES):
        rows = lake.maintain(f"call ducklake_merge_adjacent_files('lake', max_compacted_files => {_MERGED_AT_ONCE})")
        if not rows:
            break
        merged += sum(row[2] for row in rows)
    return merged


def check_lake(lake: Lake) -> LakeReport:
    """Count every table and compare the catalogue's files with those on disk. Reads only."""
    tables = lake.rows("select schema_name, table_name from duckdb_tables() where database_name = 'lake' order by all")
    named: dict[str, int] = {}
    unreadable = []
    for schema, table in tables:
        files = lake.rows(
            "select data_file, data_file_size_bytes, delete_file, delete_file_size_bytes"
            " from ducklake_list_files('lake', $table, schema => $schema)",
            {"table": table, "schema": schema},
        )
        named |= {file: size for row in files for file, size in (row[:2], row[2:]) if file}
        try:
            lake.rows(f'select count(*) from lake."{schema}"."{table}"')
        except LoopbenchError as error:
            unreadable.append(f"{schema}.{table}: {error}")
    missing = tuple(sorted(file for file in named if not Path(file).exists())) if _local(lake) else ()
    orphans = lake.rows("call ducklake_delete_orphaned_files('lake', dry_run => true, cleanup_all => true)")
    return LakeReport(
        tables=len(tables),
        files=len(named),
        missing=missing,
        damaged=tuple(_damage(named)) if _local(lake) else (),
        orphans=tuple(sorted(str(row[0]) for row in orphans)),
        unreadable=tuple(unreadable),
    )


def _damage(named: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with files that are there, by their size alone: every other content is the same size only by chance."""
    for file, size in sorted(named.items()):
        with suppress(FileNotFoundError):
            found = Path(file).stat().st_size
            if found != size:
                yield f"{file} has {found:,} bytes and was written with {size:,}"


def _local(lake: Lake) -> bool:
    return "://" not in lake.location.data
