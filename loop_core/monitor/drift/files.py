"""A drift report on two files, without a loop: every measure of every column they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loop_core.monitor.drift.registry import METHODS, measure_named
from loop_core.monitor.profiles.files import ColumnPair, FilePair, profile_files

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FileDrift:
    """One column by one measure."""

    column: str
    method: str
    value: float | None
    """None: the measure cannot tell, see `reason`."""
    folklore: float | None
    """The usual cut-off, shown for comparison; None: the trade has none."""
    reason: str
    """Why there is no value; empty: there is one."""
    expected_by_chance: float | None = None
    """About what the value would be on average between two samples of one population; None: there is no value."""


@dataclass(frozen=True)
class FileComparison:
    """What is in two files, and how far it moved."""

    files: FilePair
    scores: tuple[FileDrift, ...]
    """By column in the reference's order, then by method."""


def compare_files(
    reference: Path | str | pl.DataFrame,
    current: Path | str | pl.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
) -> FileComparison:
    """Drift between two files (Parquet, csv, JSON lines) or frames. There is no time in them from which a threshold
    could be learned, so nothing is said to be in alarm.

    Args:
        reference: what is usual; the bins are learned from it.
        current: what is compared with it.
        columns: only these; None: all that both have.
        methods: names in `METHODS`; None: all.

    Raises:
        SourceError: a file is not there or cannot be read.
        UnknownNameError: no such column or method.
    """
    chosen = list(METHODS) if methods is None else list(methods)
    measures = [measure_named(name) for name in chosen]
    files = profile_files(reference, current, columns=columns)
    return FileComparison(files, tuple(_score(pair, m.name) for pair in files.columns for m in measures))


def _score(pair: ColumnPair, method: str) -> FileDrift:
    measure = METHODS[method]
    reason = measure.applies(pair.binning)
    if not reason and not (pair.reference.sum() and pair.current.sum()):
        reason = "One of the files has no rows."
    value = float("nan") if reason else float(measure.binned(pair.reference, pair.current, pair.binning))
    if not reason and np.isnan(value):
        reason = "There is no value to compare."
    if reason:
        return FileDrift(pair.column, method, None, measure.folklore, reason)
    chance = float(measure.by_chance(pair.reference, pair.current, pair.binning))
    return FileDrift(pair.column, method, value, measure.folklore, "", chance)
