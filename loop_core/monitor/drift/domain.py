"""Domain classifier: can a model tell this window's rows from the reference's, and by which features? It sees what
single features do not show, such as two that stop going together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.charter import Column
from loop_core.errors import NotReadyError
from loop_core.models import Encoding
from loop_core.monitor.drift.rows import Cut, rows_of
from loop_core.monitor.drift.separation import FOLDS, ROWS, TIMES, Separation, separation
from loop_core.monitor.profiles import Counts, reference_span
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: One-sided chance that a quiet window is said to differ.
LEVEL = 0.025
#: Windows of the reference that are judged as if they were new, to know what quiet ones score: at least, at most.
MIN_QUIET, MAX_QUIET = 4, 12
_TIME = "predicted_at"


@dataclass(frozen=True)
class DomainResult:
    """How well the window can be told from the reference."""

    auc: float | None
    """0.5: not at all; 1: every row. Of rows that the classifier did not learn from. None: too few rows."""
    ci_low: float | None
    """95 % interval: DeLong's, or what quiet windows scatter by where that is more."""
    ci_high: float | None
    features: tuple[tuple[str, float], ...]
    """(feature, share of what separates the two), largest first; the shares add up to 1."""
    n_reference: int
    """Rows of the reference that the window was compared with."""
    n_current: int
    """Rows of the window that were used."""
    state: State
    """`watch`: beyond the threshold; `ok`; `too_few`."""
    reason: str = ""
    """Why it cannot be told; empty: it can."""
    threshold: float | None = None
    """AUC that one quiet window in forty exceeds, learned from the reference's own windows; None: it has too few."""
    p_value: float | None = None
    """Chance that a quiet window reaches the AUC."""


def domain_classifier(
    loop: Loop,
    as_of: datetime,
    *,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
    seed: int = 0,
) -> DomainResult:
    """Cross-validated AUC of a gradient-boosted classifier between a window and the reference, beside what the windows
    of the reference score when each is compared with the others.

    Args:
        window_start, window_end: the window, end exclusive.
        cohort, cohort_value: rows of one cohort value on both sides; None: everybody.
        seed: of the samples (at most 5,000 rows a side) and folds.

    Raises:
        UnknownNameError: no such cohort.
        NotReadyError: there is no reference.
    """
    span = reference_span(loop, as_of)
    if span is None:
        raise NotReadyError("There is no reference period yet", "predictions", "bring in predictions first")
    columns = [c for c in loop.charter.features if c.type in ("number", "category", "flag")]
    names = [column.name for column in columns]
    now = rows_of(loop, as_of, Cut(window_start, window_end, cohort, cohort_value), names, ROWS, seed)
    usual = rows_of(loop, as_of, Cut(*span, cohort, cohort_value), [*names, _TIME], ROWS * (MAX_QUIET + 1), seed)
    quiet = _whole_windows(usual, Windows(span[1], (window_end - window_start).days))
    return separate(quiet, now, columns, min_rows=loop.charter.monitor.min_rows, seed=seed)


def _whole_windows(rows: pl.DataFrame, windows: Windows) -> list[pl.DataFrame]:
    """The rows of the reference by window, oldest first; what is left over at its beginning joins the oldest."""
    import polars as pl

    if not rows.height:
        return []
    age = (pl.lit(windows.end) - pl.col(_TIME)).dt.total_microseconds() / (windows.days * 86_400_000_000)
    last = max(rows.select((age.floor() - 1).max()).item(), 0)
    parts = rows.with_columns((age.ceil().cast(pl.Int64) - 1).clip(0, last).alias(_TIME)).sort(_TIME, descending=True)
    return parts.partition_by(_TIME, maintain_order=True, include_key=False)


def separate(
    reference: Sequence[pl.DataFrame],
    current: pl.DataFrame,
    columns: list[Column],
    *,
    min_rows: int = 50,
    seed: int = 0,
) -> DomainResult:
    """The same between frames that have the columns: the reference's windows, and the current one.

    Folds share what the classifiers learned from, so that their AUC scatters by about √2 times what is usually said of
    it, and windows differ by more than their rows do. Both is measured: windows of the reference, as many rows of each,
    are compared with the others, and the current one has to lie beyond them by Student's prediction limit.

    Source: Rabanser, Günnemann & Lipton 2019, "Failing Loudly"; Lopez-Paz & Oquab 2017, "Revisiting classifier
    two-sample tests"; Bengio & Grandvalet 2004, "No unbiased estimator of the variance of K-fold cross-validation".
    """
    import polars as pl

    sizes, needed = (sum(part.height for part in reference), current.height), max(min_rows, 2 * FOLDS)
    if min(sizes) < needed or not columns:
        few = f"{sizes[0]:,} rows against {sizes[1]:,}; {needed} are needed on both sides."
        return DomainResult(None, None, None, (), *sizes, State.TOO_FEW, few if columns else "There is no feature.")
    heights = [part.height for part in reference]
    both = pl.concat([*reference, current], how="vertical_relaxed")
    encoding = Encoding.fit(tuple(columns), both)
    *windows, now = np.split(encoding.transform(both), np.cumsum(heights))
    rows = min(len(now), int(np.median(heights)), ROWS) if len(heights) >= MIN_QUIET else min(len(now), ROWS)
    found = separation(np.concatenate(windows), _drawn(now, rows, seed), encoding.categorical, seed)
    quiet = _quiet_scores(windows, max(rows, needed), encoding, seed)
    return _result(found, quiet, encoding.names, (min(sizes[0], TIMES * rows, ROWS), rows))


def _quiet_scores(windows: Sequence[Counts], rows: int, encoding: Encoding, seed: int) -> Counts:
    """(Q,) scores of windows of the reference against all the others; those with less than half of the rows are left out."""
    usable = [k for k, window in enumerate(windows) if 2 * len(window) >= rows]
    if len(usable) < MIN_QUIET:
        return np.empty(0)
    chosen = np.unique(np.linspace(0, len(usable) - 1, MAX_QUIET).round().astype(int))
    return np.array([_left_out(windows, usable[k], rows, encoding, seed).score for k in chosen])


def _left_out(windows: Sequence[Counts], out: int, rows: int, encoding: Encoding, seed: int) -> Separation:
    others = np.concatenate([window for k, window in enumerate(windows) if k != out])
    return separation(others, _drawn(windows[out], rows, seed), encoding.categorical, seed + out + 1)


def _drawn(window: Counts, rows: int, seed: int) -> Counts:
    drawn: Counts = window[np.random.default_rng(seed).permutation(len(window))[:rows]]
    return drawn


def _result(found: Separation, quiet: Counts, names: Sequence[str], sizes: tuple[int, int]) -> DomainResult:
    shares = found.gains / found.gains.sum() if found.gains.sum() > 0 else np.full(len(names), 1 / len(names))
    ordered = sorted(zip(names, map(float, shares), strict=True), key=lambda pair: (-pair[1], pair[0]))
    error, told = found.error, len(quiet) > 0
    limit, p_value = _student(found.score, quiet) if told else (float("nan"), float("nan"))
    if told:
        error = max(error, float(quiet.std(ddof=1)) * found.unit)
    low, high = max(0.0, found.auc - 1.96 * error), min(1.0, found.auc + 1.96 * error)
    state = State.TOO_FEW if not told else State.WATCH if p_value <= LEVEL else State.OK
    reason = "" if told else f"The reference has fewer than {MIN_QUIET} windows of as many rows: what quiet ones score is not known."  # fmt: skip
    threshold = float(min(1.0, 0.5 + limit * found.unit))
    known = (threshold, p_value) if told else (None, None)
    return DomainResult(found.auc, low, high, tuple(ordered), *sizes, state, reason, *known)


def _student(score: float, quiet: Counts) -> tuple[float, float]:
    """(score that one quiet window in 1/`LEVEL` exceeds, chance of so large a score), from what (Q,) quiet ones had."""
    from scipy.special import stdtr, stdtrit

    freedom, mean = len(quiet) - 1, float(quiet.mean())
    # Rows without any swing scatter by 1 at the least.
    spread = max(float(quiet.std(ddof=1)), 1.0) * np.sqrt(1 + 1 / len(quiet))
    return mean + float(stdtrit(freedom, 1 - LEVEL)) * spread, float(stdtr(freedom, -(score - mean) / spread))
