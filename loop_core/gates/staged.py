"""What staging leaves behind: Parquet files of rows that passed and of rows that failed, in a folder of the batch's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loop_core.gates.batch_stats import ColumnStats
from loop_core.paths import plain

if TYPE_CHECKING:
    import polars as pl

#: What staged rows may take in memory before some are written.
_BUFFER_BYTES = 160_000_000
#: Files of fewer rows than this are too small for the lake, where a month has several.
_FILE_ROWS = 50_000
_GROUP_ROWS = 131_072


@dataclass(frozen=True)
class Staged:
    """A whole source, read once and parted by its row rules."""

    batch_id: str
    """sha256 over loop, signal and content."""
    folder: Path
    received: int
    """Rows and rejected lines of the source."""
    accepted: int
    """Rows in the files under `rows`: the signal's columns and `_row`; where they are adoptable, `batch_id` too."""
    failed: int
    """Rows in the files under `failed`: `_row`, `rules`, `row_json`."""
    rules: Counter[str]
    """How many rows broke each row rule."""
    adoptable: bool
    """The files of rows are such as the lake writes itself: each of one month, and few."""
    stats: tuple[ColumnStats, ...] = ()
    """Sums over the accepted rows, one for each column."""
    notes: tuple[str, ...] = ()
    """Sentences about cells that could not be read."""

    @property
    def rows_glob(self) -> str:
        return str(plain(self.folder) / "rows" / "**" / "*.parquet")

    @property
    def failed_glob(self) -> str:
        return str(plain(self.folder) / "failed" / "**" / "*.parquet")

    @property
    def row_files(self) -> list[Path]:
        return sorted((self.folder / "rows").rglob("*.parquet"))


class StagedFiles:
    """Frames of one schema → Parquet files, in bounded memory; with `time`, a file holds rows of one month (UTC) only."""

    def __init__(self, folder: Path, batch_id: str = "", time: str | None = None) -> None:
        self._folder, self._batch_id, self._time = folder, batch_id, time
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._bytes: Counter[str] = Counter()
        self._rows = self._written = 0
        self._months: set[str] = set()

    def write(self, frame: pl.DataFrame) -> None:
        """Take rows; an empty frame only where it is the first, so that there is always a file."""
        if frame.height == 0 and self._waiting:
            return
        parts = list(self._split(frame))
        for month, part in parts:
            self._waiting.setdefault(month, []).append(part)
            self._bytes[month] += int(part.estimated_size())
        self._rows += frame.height
        self._flush_passed({month for month, _ in parts})
        while self._bytes.total() > _BUFFER_BYTES:
            self._flush(self._bytes.most_common(1)[0][0])

    def close(self) -> None:
        """Write what still waits."""
        for month, frames in self._waiting.items():
            if frames:
                self._flush(month)

    @property
    def monthly(self) -> bool:
        """Whether each file is of one month."""
        return self._time is not None

    @property
    def few(self) -> bool:
        """Whether the files, once closed, are about as few as the lake would make of these rows."""
        return self._written <= 2 * len(self._months) or self._rows >= _FILE_ROWS * self._written

    def _split(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        import polars as pl

        if self._time is None or frame.height == 0:
            yield "", frame
            return
        time = frame[self._time].dt
        months = time.year().cast(pl.Int64) * 12 + time.month() - 1
        # Deliveries mostly come in order of time; then the parts are stretches of the frame, and nothing is copied.
        if months.is_sorted():
            yield from ((_folder(month), frame.slice(start, n)) for start, n, month in _stretches(months))
            return
        for part in frame.with_columns(_month=months).partition_by("_month", maintain_order=True):
            yield _folder(part["_month"][0]), part.drop("_month")

    def _flush_passed(self, present: set[str]) -> None:
        """Write the months that the source has left behind, while it is still being read."""
        for month, frames in self._waiting.items():
            if month not in present and sum(frame.height for frame in frames) >= _FILE_ROWS:
                self._flush(month)

    def _flush(self, month: str) -> None:
        import polars as pl

        frame = pl.concat(self._waiting[month])
        if self.monthly:
            frame = frame.with_columns(batch_id=pl.lit(self._batch_id))
        self._waiting[month] = []
        del self._bytes[month]
        self._written += 1
        self._months.add(month)
        # The name is no other file's, in the lake either: the folder's ends in random digits.
        name = f"{self._folder.parent.name.rpartition('-')[2]}-{self._batch_id[:12]}-{self._written:05d}.parquet"
        (self._folder / month).mkdir(parents=True, exist_ok=True)
        frame.write_parquet(self._folder / month / name, compression="lz4", statistics=True, row_group_size=_GROUP_ROWS)


def _stretches(months: pl.Series) -> Iterator[tuple[int, int, int]]:
    """Start, length and month of each run of equal months."""
    start = 0
    for run in months.rle():
        yield start, run["len"], run["value"]
        start += run["len"]


def _folder(month: int) -> str:
    return f"year={month // 12}/month={month % 12 + 1}"
