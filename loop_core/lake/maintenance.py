"""Keeping a DuckLake small and checking that it is whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from loop_core.errors import DamagedFileError, LoopbenchError
from loop_core.lake.connection import Lake
from loop_core.lake.damage import DamagedFile, damaged_files
from loop_core.lake.tables import quoted

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
    damaged: tuple[DamagedFile, ...]
    """Files the catalogue names that are gone or not as they were written."""
    orphans: tuple[str, ...]
    """Files in the data folder that the catalogue does not name: left by a killed write, harmless."""
    unreadable: tuple[str, ...]
    """Tables a full count failed on for another reason, with it."""
    unvouched: int
    """Files without a fingerprint, known by their size alone."""
    late: int
    """Files whose fingerprint was taken after the turn that wrote them: damage from before it is not seen."""
    late_since: str | None
    """UTC instant, ISO 8601: the newest of those fingerprints. None: there is none."""


def maintain_lake(lake: Lake, *, pinned: Collection[int], older_than: datetime) -> MaintenanceReport:
    """Flush inlined rows, merge small files, expire snapshots and remove the files only they needed.

    Each step waits for readers and writers to end and holds up new ones while it works, so nothing is taken from under
    anybody. Snapshots that come while it runs stay, whatever the wall clock says.

    Args:
        lake: an open lake.
        pinned: snapshot ids that stay, whatever their age.
        older_than: snapshots at or after this wall-clock instant stay.

    Raises:
        DamagedFileError: a file of the lake is gone or another than was written. Nothing was done then.
    """
    _refuse_damage(lake)
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
    lake.vouch()
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


def check_lake(lake: Lake, *, deep: bool = False) -> LakeReport:
    """Count every table and compare the catalogue's files with those on disk. Reads only.

    Args:
        lake: an open lake.
        deep: read every file to its end and compare it with the hash of when it was written; False: its size and its end.
    """
    prints = lake.fingerprints
    files = prints.files() if prints.local else []
    damaged = tuple(damaged_files(prints, files, deep=deep))
    tables = lake.rows("select schema_name, table_name from duckdb_tables() where database_name = 'lake' order by all")
    unreadable = []
    for schema, table in tables:
        try:
            lake.rows(f"select count(*) from lake.{quoted(schema, table)}")
        except DamagedFileError:
            continue
        except LoopbenchError as error:
            unreadable.append(f"{schema}.{table}: {error}")
    orphans = lake.rows("call ducklake_delete_orphaned_files('lake', dry_run => true, cleanup_all => true)")
    late = [file.fingerprint.since for file in files if file.fingerprint and not file.fingerprint.at_commit]
    return LakeReport(
        tables=len(tables),
        files=len(files),
        damaged=damaged,
        orphans=tuple(sorted(str(row[0]) for row in orphans)),
        unreadable=tuple(unreadable),
        unvouched=sum(file.fingerprint is None for file in files),
        late=len(late),
        late_since=max(late, default=None),
    )


def _refuse_damage(lake: Lake) -> None:
    """Merging reads files and writes them anew, with new hashes: damage would be passed on, and nobody could tell."""
    prints = lake.fingerprints
    current = (file for file in prints.files() if file.current) if prints.local else ()
    found = list(damaged_files(prints, current, deep=True))
    if found:
        more = f" ({len(found) - 1:,} other files are damaged too)" if len(found) > 1 else ""
        raise DamagedFileError(
            f"{found[0].sentence}{more}. Maintenance would pass that on, so nothing was done",
            found[0].todo,
            found[0].path,
            found[0].batches,
        )
