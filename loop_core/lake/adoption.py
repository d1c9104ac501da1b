"""Parquet files that were written outside the lake become files of a lake table: linked into its folder, not written again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from loop_core.lake.connection import Transaction
from loop_core.lake.location import LakeLocation

#: DuckLake reads a file's partition from folders of these names; a column so named would make it use others.
PARTITION_FOLDERS = ("year", "month")


def can_adopt(location: LakeLocation, columns: Collection[str]) -> bool:
    """Whether tables with these columns can take in files: the lake's data is a folder, and no column is named as one of ours."""
    return "://" not in location.data and not set(PARTITION_FOLDERS) & set(columns)


def adopt(tx: Transaction, location: LakeLocation, table: tuple[str, str], root: Path, files: Iterable[Path]) -> None:
    """Make files part of a table, in the transaction `tx`.

    Args:
        tx: the write in progress.
        location: of the lake the transaction writes to.
        table: loop and table name.
        root: the folder below which the files lie as `year=2018/month=1/<name that no other file has>.parquet`, each
            wholly of that month (UTC) and with every column of the table that its rows have a value for.
        files: the files. They stay where they are; the lake's are links to them, or copies on another disk.

    A transaction that fails leaves the linked files behind as orphans, which maintenance removes: whether a commit
    that was interrupted reached the catalogue is not known here, so nothing is deleted.
    """
    schema, name = table
    folder = Path(location.data) / schema / name
    for file in files:
        target = folder / file.relative_to(root)
        _link(file, target)
        tx.execute(
            "call ducklake_add_data_files('lake', $table, $file, schema => $schema,"
            " allow_missing => true, ignore_extra_columns => true, hive_partitioning => true)",
            {"table": name, "schema": schema, "file": str(target)},
        )


def _link(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except FileExistsError:
        return  # a transaction that lost a race on PostgreSQL runs again
    except OSError:
        shutil.copyfile(file, target)
