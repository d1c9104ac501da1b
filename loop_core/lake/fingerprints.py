"""The content of the lake's Parquet files, as it was when they were written: what a damaged file is known by.

DuckLake keeps the size of its files and nothing of their content. So a table of our own in the catalogue's database keeps
two hashes of each: of the whole, and of its end, where Parquet has its footer with the places, sizes and bounds of all
columns. Another file of the same size is found by its end alone, in a few KB; a byte that changed anywhere by the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from loop_core.lake.catalogue import Catalogue, text
from loop_core.lake.location import LakeLocation

#: How much of a file's end is hashed by itself: a Parquet footer and then some; all of a small file.
TAIL_BYTES = 65_536
_TABLE = "loopbench_files"


@dataclass(frozen=True)
class Fingerprint:
    """What a file held when it was looked at first."""

    tail: str
    """sha256 of its last 64 KB."""
    sha256: str
    """Of all of it."""
    batches: tuple[str, ...]
    """Ids of the batches with rows in it; empty: its table has none."""
    since: str
    """UTC instant of the first look, ISO 8601."""
    at_commit: bool
    """Whether that was in the turn of whoever wrote it; False: later, so damage from before is not seen."""


@dataclass(frozen=True)
class LakeFile:
    """A file that a snapshot of the lake names."""

    file_id: int
    """DuckLake's number; no other file ever has it."""
    path: str
    loop: str
    table: str
    bytes: int
    """As the catalogue has it."""
    current: bool
    """Whether the newest snapshot names it; else only older ones do, and what is pinned to them."""
    deletes: bool
    """It lists rows of another file that are deleted."""
    batch: str | None
    """The one batch of its rows, as DuckLake's own bounds tell; None: several, or its table has none."""
    fingerprint: Fingerprint | None
    """None: nobody has taken it yet."""

    @property
    def batches(self) -> tuple[str, ...]:
        """Ids of the batches with rows in it, as far as they are known without reading it."""
        if self.fingerprint is not None and self.fingerprint.batches:
            return self.fingerprint.batches
        return (self.batch,) if self.batch else ()


@dataclass(frozen=True)
class Extent:
    """What the catalogue knows of the rows of one file, without the file."""

    path: str
    rows: int
    first: int
    """The smallest instant in it, microseconds since 1970."""
    last: int
    """The largest one."""


class Fingerprints:
    """The hashes of one lake's files. A lake in an object store has none: the store keeps its own."""

    def __init__(self, location: LakeLocation, connection: duckdb.DuckDBPyConnection) -> None:
        self._location, self.connection = location, connection
        self._catalogue = Catalogue(location, connection)
        self._there = False

    @property
    def local(self) -> bool:
        """Whether the lake's files are in a folder."""
        return "://" not in self._location.data

    def files(self) -> list[LakeFile]:
        """Every file that a snapshot of the lake names, in order of their path."""
        return self._files("1 = 1")

    def holding(self, batches: Collection[str]) -> list[LakeFile]:
        """Files with rows of any of some batches."""
        return [file for file in self.files() if not set(batches).isdisjoint(file.batches)]

    def names(self, file: LakeFile) -> bool:
        """Whether the catalogue still names a file."""
        kind = "delete" if file.deletes else "data"
        table = self._catalogue.table(f"ducklake_{kind}_file")
        return bool(self._catalogue.rows(f"select 1 as there from {table} where {kind}_file_id = {int(file.file_id)}"))

    def extents(self, loop: str, table: str, instant: str, where: Mapping[str, str]) -> list[Extent]:
        """The files with rows of a table in the newest snapshot, and between which instants of a column their rows lie.
        Of a file that does not hold one and the same text of each column of `where`, none of the rows are counted."""
        bounds = {name: self._bounds(name) for name in (instant, *where)}
        found = []
        with self.connection.cursor() as cursor:
            for file in self.files():
                if (file.loop, file.table) != (loop, table) or file.deletes or file.file_id not in bounds[instant]:
                    continue
                rows, *ends = bounds[instant][file.file_id]
                same = all(bounds[name].get(file.file_id, ())[1:] == [value, value] for name, value in where.items())
                instants = ", ".join(f"epoch_us({text(end)}::timestamptz)" for end in ends)
                found.append(Extent(file.path, int(rows) * same, *cursor.execute(f"select {instants}").fetchall()[0]))
        return found

    def _bounds(self, column: str) -> dict[int, list[str]]:
        """Number of a file of the newest snapshot → how many rows it has, and the least and largest value of a column."""
        named = self._catalogue.table
        rows = self._catalogue.rows(
            f"""select f.data_file_id, f.record_count, b.min_value, b.max_value from {named("ducklake_data_file")} f
            join {named("ducklake_file_column_stats")} b on b.data_file_id = f.data_file_id and b.table_id = f.table_id
            join {named("ducklake_column")} c on c.table_id = b.table_id and c.column_id = b.column_id and c.end_snapshot is null
            where f.end_snapshot is null and b.min_value is not null and c.column_name = {text(column)}"""
        )
        return {int(number): values for number, *values in rows}

    def end(self, numbers: Collection[int]) -> None:
        """From the newest snapshot on, the lake is without these data files. For whoever has the turn to write."""
        newest = f"(select max(snapshot_id) from {self._catalogue.target('ducklake_snapshot')})"
        these = ", ".join(str(int(number)) for number in numbers)
        self._catalogue.change(
            [
                f"update {self._catalogue.target(f'ducklake_{kind}_file')} set end_snapshot = {newest}"
                f" where data_file_id in ({these}) and end_snapshot is null"
                for kind in ("data", "delete")
            ]
        )

    def take(self, now: str, *, newest_only: bool = False) -> int:
        """Look at files that have no fingerprint yet; how many were taken. For whoever has the turn to write.

        Args:
            now: UTC instant, ISO 8601.
            newest_only: those of the newest snapshot, which was committed in this very turn.
        """
        if not self.local:
            return 0
        named = self._catalogue.table
        newest = f"f.begin_snapshot = (select max(snapshot_id) from {named('ducklake_snapshot')})"
        files = [file for file in self._files(newest if newest_only else "1 = 1") if file.fingerprint is None]
        rows = []
        for file in files:
            path = Path(file.path)
            if path.is_file() and path.stat().st_size == file.bytes:
                batches = ",".join(self._batches(file))
                hashes = f"{text(tail_hash(path))}, {text(whole_hash(path))}"
                rows.append(f"({file.file_id}, {hashes}, {text(batches)}, {text(now)}, {int(newest_only)})")
        if rows:
            columns = "file_id bigint, tail text, sha256 text, batches text, since text, at_commit integer"
            target = self._catalogue.target(_TABLE)
            new = [] if self._exists() else [f"create table if not exists {target} ({columns})"]
            self._catalogue.change([*new, f"insert into {target} values {', '.join(rows)}"])
        return len(rows)

    def forget_gone(self) -> None:
        """Drop the hashes of files that no snapshot names any more. For whoever has the turn to write."""
        if not self._exists():
            return
        kinds = ((f"{kind}_file_id", self._catalogue.target(f"ducklake_{kind}_file")) for kind in ("data", "delete"))
        named = " union all ".join(f"select {number} from {table}" for number, table in kinds)
        self._catalogue.change([f"delete from {self._catalogue.target(_TABLE)} where file_id not in ({named})"])

    def _files(self, condition: str) -> list[LakeFile]:
        """Files of a condition over DuckLake's table `f`."""
        rows = self._catalogue.rows(self._files_sql(condition))
        known = self._known([int(row[0]) for row in rows]) if rows else {}
        root = Path(self._location.data)
        found = []
        for number, schema, schema_path, table, table_path, path, size, current, deletes, batch in rows:
            # A path that starts at the root stays as it is. SQLite's numbers come as text.
            where, number = str(root / schema_path / table_path / path), int(number)
            flags = bool(int(current)), bool(int(deletes))
            found.append(LakeFile(number, where, schema, table, int(size), *flags, batch, known.get(number)))
        return sorted(found, key=lambda file: file.path)

    def _files_sql(self, condition: str) -> str:
        named = self._catalogue.table
        newest = f"(select table_id, max(begin_snapshot) as begun from {named('ducklake_table')} group by table_id)"
        batch = f"""(select b.min_value from {named("ducklake_file_column_stats")} b join {named("ducklake_column")} c
            on c.table_id = b.table_id and c.column_id = b.column_id and c.column_name = 'batch_id' and c.end_snapshot is null
            where b.data_file_id = f.data_file_id and b.table_id = f.table_id and b.min_value = b.max_value)"""
        return " union all ".join(
            f"""select f.{kind}_file_id as number, s.schema_name, s.path as schema_path, t.table_name, t.path as table_path,
            f.path as file_path, f.file_size_bytes, case when f.end_snapshot is null then 1 else 0 end as live,
            {int(kind == "delete")} as deletes, {"null" if kind == "delete" else batch} as batch
            from {named(f"ducklake_{kind}_file")} f join {newest} n on n.table_id = f.table_id
            join {named("ducklake_table")} t on t.table_id = f.table_id and t.begin_snapshot = n.begun
            join {named("ducklake_schema")} s on s.schema_id = t.schema_id where {condition}"""
            for kind in ("data", "delete")
        )

    def _known(self, numbers: Collection[int]) -> Mapping[int, Fingerprint]:
        if not self._exists():
            return {}
        span = f"file_id between {min(numbers)} and {max(numbers)}"
        columns = "file_id, tail, sha256, batches, since, at_commit"
        rows = self._catalogue.rows(f"select {columns} from {self._catalogue.table(_TABLE)} where {span}")
        return {
            int(row[0]): Fingerprint(row[1], row[2], tuple(filter(None, row[3].split(","))), row[4], bool(int(row[5])))
            for row in rows
        }

    def _exists(self) -> bool:
        self._there = self._there or self._catalogue.has(_TABLE)
        return self._there

    def _batches(self, file: LakeFile) -> Collection[str]:
        """Ids of the batches with rows in a file, read from it where the catalogue does not tell."""
        if file.batch is not None or file.deletes:
            return file.batches
        with self.connection.cursor() as cursor:
            bound = {"file": file.path}
            names = {row[0] for row in cursor.execute("select name from parquet_schema($file)", bound).fetchall()}
            if "batch_id" not in names:
                return ()
            sql = "select distinct batch_id from read_parquet($file) where batch_id is not null order by 1"
            return [row[0] for row in cursor.execute(sql, bound).fetchall()]


def whole_hash(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tail_hash(path: Path) -> str:
    """sha256 of a file's last 64 KB."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return hashlib.sha256(file.read()).hexdigest()
