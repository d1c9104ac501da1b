"""The reference: the span that windows are compared with, its bins, and its own window-by-window counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np

from loop_core.charter import Cohort
from loop_core.lake import Reading
from loop_core.models import registered
from loop_core.monitor.profiles.binning import Binning, Counts
from loop_core.monitor.profiles.counts import (
    Selection,
    Table,
    binned,
    count_moments,
    count_numbers,
    count_values,
    learn_categories,
    learn_edges,
    watched,
)
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: The score's reference: this many windows from the champion's first answer on.
SCORE_WINDOWS = 4
SCORE = "score"


@dataclass(frozen=True)
class Reference:
    """What is usual."""

    start: datetime
    end: datetime
    bins: Mapping[str, Binning]
    counts: Mapping[str, Mapping[str | None, Counts]]
    """Column → cohort value (None: everybody) → (windows, K) counts."""
    sums: Mapping[str, Mapping[str | None, Counts]]
    """The same for numbers: (windows, 3) finite rows, their sum and their sum of squares."""

    def of(self, name: str, value: str | None) -> Counts:
        """(windows, K) counts; no windows where the cohort value did not occur."""
        empty = np.zeros((0, len(self.bins[name].labels)))
        return self.counts[name].get(value, empty)


def reference_span(loop: Loop, as_of: datetime) -> tuple[datetime, datetime] | None:
    """The champion's training span where it was trained here; else the loop's first `reference_days`.

    None: no predictions yet.
    """
    champion = loop.champion(as_of)
    for model in registered(loop, as_of):
        if model.version == champion and model.train_start and model.train_end:
            return model.train_start, model.train_end
    first = loop.lake.rows(f"select min(predicted_at) from {loop.table('predictions')}")[0][0]
    if first is None or first >= as_of:
        return None
    start = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, min(start + timedelta(days=loop.charter.monitor.reference_days), as_of)


def feature_reference(loop: Loop, reading: Reading, cohort: Cohort | None) -> Reference | None:
    """Features over the reference span. Kept in memory until predictions arrive or the champion changes."""
    span = reference_span(loop, reading.as_of)
    if span is None:
        return None
    # Rows are never changed, only added, by a batch or by a later as_of that lets them come into sight.
    rows = reading.rows(
        "select count(*) from predictions where predicted_at >= $first and predicted_at < $last",
        first=span[0],
        last=span[1],
    )[0][0]
    key = (str(loop.workspace.path), loop.charter.hash, span, cohort and cohort.name, rows)
    return _CACHE.get(key, lambda: _learn(loop, reading, span, cohort))


def score_reference(loop: Loop, reading: Reading, cohort: Cohort | None) -> Reference | None:
    """The champion's own scores in its first weeks of service; None before it served that long."""
    tenures = loop.tenures(reading.as_of)
    if not tenures:
        return None
    champion, since = tenures[-1]
    days = loop.charter.monitor.window_days
    start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=days * SCORE_WINDOWS)
    if end > reading.as_of:
        return None
    selection = score_selection(Selection(reading, Windows(end, days), start, end, cohort), champion)
    rows = selection.rows(f"select count(*) from {selection.source}")[0][0]
    key = (str(loop.workspace.path), loop.charter.hash, champion, start, cohort and cohort.name, rows)
    return _CACHE.get(key, lambda: _learn_score(selection)) if rows else None


def _learn_score(selection: Selection) -> Reference:
    edges = learn_edges(selection, [SCORE])
    counts, sums = count_numbers(selection, edges)[SCORE], count_moments(selection, [SCORE])[SCORE]
    return Reference(selection.start, selection.end, dict(edges), {SCORE: _stacked(counts)}, {SCORE: _stacked(sums)})


def score_selection(selection: Selection, champion: str) -> Selection:
    """Only rows that the champion answered."""
    where = "model_version = $version and score is not null"
    return Selection(
        selection.reading,
        selection.windows,
        selection.start,
        selection.end,
        selection.cohort,
        where,
        (("version", champion),),
    )


def _learn(loop: Loop, reading: Reading, span: tuple[datetime, datetime], cohort: Cohort | None) -> Reference:
    start, end = span
    selection = Selection(reading, Windows(end, loop.charter.monitor.window_days), start, end, cohort)
    numeric, categorical = watched(loop.charter.features)
    edges = learn_edges(selection, numeric)
    values = count_values(selection, categorical)
    categories = learn_categories(values)
    tables = count_numbers(selection, edges) | binned(values, categories)
    bins: dict[str, Binning] = {**edges, **categories}
    sums = {name: _stacked(table) for name, table in count_moments(selection, numeric).items()}
    return Reference(start, end, bins, {name: _stacked(tables[name]) for name in bins}, sums)


def _stacked(table: Table) -> dict[str | None, Counts]:
    """(window, value) → counts becomes value → (windows, K), oldest window first."""
    grouped: dict[str | None, list[Counts]] = {}
    for (_, value), counts in sorted(table.items(), key=lambda item: (item[0][1] or "", item[0][0])):
        grouped.setdefault(value, []).append(counts)
    return {value: np.stack(rows) for value, rows in grouped.items()}


class _Kept:
    """The references of the last few loops and cohorts; one process serves several pages at once."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._found: OrderedDict[object, Reference] = OrderedDict()

    def get(self, key: object, make: Callable[[], Reference]) -> Reference:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return made


_CACHE = _Kept(64)
