"""Latency and size of two models: what a service pays for an answer, beside how good it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import SERVICE, Metric
from loop_core.compare.estimate import CONFIDENCE, Z
from loop_core.compare.scorecard import Cell
from loop_core.compare.verdict import rows_needed, verdict
from loop_core.lake import Reading
from loop_core.models import ModelStore, manifest_of
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop

if TYPE_CHECKING:
    from loop_core.compare.span import Span

Floats = npt.NDArray[np.float64]
_QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95}
_LATENCIES = """select latency_ms from predictions where model_version = $version and predicted_at >= $first
  and predicted_at < $last and isfinite(latency_ms) and latency_ms >= 0"""


@dataclass(frozen=True)
class Quantile:
    """A quantile of a sample with its interval."""

    n: int
    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end."""


def service_cells(
    loop: Loop,
    champion: str,
    challenger: str,
    as_of: datetime,
    span: Span,
    metrics: Sequence[Metric],
    snapshot: int | None = None,
) -> list[Cell]:
    """One cell over everybody for each service metric that the charter names.

    Latencies are of the predictions that each of the two answered in the span: other predictions each, so the two samples
    are independent, and where the two served under different load that is part of the difference. Size is exact.

    Args:
        loop: the loop.
        champion, challenger: registered versions.
        as_of: UTC instant; nothing later is used.
        span: of the comparison.
        metrics: of the charter; those that are no service metric are left out.
        snapshot: lake snapshot to read; None: the newest.
    """
    wanted = [metric for metric in metrics if metric.name in SERVICE]
    timed = any(metric.name in _QUANTILES for metric in wanted)
    versions = (champion, challenger)
    logged = [_latencies(loop, v, as_of, span, snapshot) for v in versions] if timed else []
    cells = []
    for metric in wanted:
        if metric.name in _QUANTILES:
            cells.append(_latency_cell(metric, versions, logged))
        else:
            cells.append(_size_cell(metric, [model_bytes(loop, version) for version in versions], versions))
    return cells


def model_bytes(loop: Loop, version: str) -> int | None:
    """Bytes of a model's package; None: it is external, and lives elsewhere."""
    if manifest_of(loop, version).kind == "external":
        return None
    return sum(len(content) for content in ModelStore(loop.workspace).contents(version).values())


def quantile_of(sorted_values: Floats, q: float) -> Quantile | None:
    """A quantile with the 95 % interval between two order statistics, which holds for every distribution.

    Args:
        sorted_values: (n,) rising.
        q: in (0, 1).

    Returns:
        None where n is too small for the upper or the lower end to be one of the values.

    Source: David & Nagaraja 2003, Order Statistics, 7.1.

    >>> quantile_of(np.arange(1.0, 101.0), 0.5)
    Quantile(n=100, value=50.5, low=40.0, high=61.0)
    """
    from scipy.stats import binom

    n, alpha = len(sorted_values), 1 - CONFIDENCE
    if not n:
        return None
    low, high = int(binom.ppf(alpha / 2, n, q)), int(binom.ppf(1 - alpha / 2, n, q)) + 1
    if low < 1 or high > n:
        return None
    value = float(np.quantile(sorted_values, q))
    return Quantile(n, value, float(sorted_values[low - 1]), float(sorted_values[high - 1]))


def difference_of(champion: Quantile, challenger: Quantile) -> tuple[float, float, float]:
    """(difference, low, high) of two independent estimates, champion − challenger, by the method of variance estimates
    recovery: each interval lends the variance of its own end. Source: Zou & Donner 2008."""
    gap = champion.value - challenger.value
    below = math.hypot(champion.value - champion.low, challenger.high - challenger.value)
    above = math.hypot(champion.high - champion.value, challenger.value - challenger.low)
    return gap, gap - below, gap + above


def _latencies(loop: Loop, version: str, as_of: datetime, span: Span, snapshot: int | None) -> Floats:
    """(n,) logged milliseconds of the predictions that a version answered in the span, rising."""
    reading = Reading.at(loop.lake, loop.charter, as_of, snapshot)
    found = reading.frame(_LATENCIES, version=version, first=span.start, last=span.end)
    return np.sort(found["latency_ms"].to_numpy().astype(np.float64))


def _latency_cell(metric: Metric, versions: tuple[str, str], logged: Sequence[Floats]) -> Cell:
    q = _QUANTILES[metric.name]
    first, second = (quantile_of(values, q) for values in logged)
    values = [float(np.quantile(sample, q)) if len(sample) else None for sample in logged]
    blank = _blank(metric, len(logged[1]), values)
    if first is None or second is None:
        short = [
            (v, len(sample)) for v, sample, one in zip(versions, logged, (first, second), strict=True) if one is None
        ]
        said = " and ".join(f"{version} answered {n:,} predictions" for version, n in dict(short).items())
        return replace(blank, reason=f"{said} of the span with a latency on record; an interval needs {_least(q)}")
    gap, low, high = difference_of(first, second)
    counts = f"{first.n:,} and {second.n:,} answers"
    se, said_of = (high - low) / (2 * Z), verdict(low, high, metric.margin)
    return replace(
        blank,
        difference=gap,
        ci_low=low,
        ci_high=high,
        se=se,
        verdict=said_of,
        rows_needed=rows_needed(second.n, se, metric.margin) if said_of is Verdict.INCONCLUSIVE else None,
        method=f"order statistics, {counts}",
    )


def _least(q: float) -> int:
    """Answers from which on both ends of the interval are among them."""
    tail, alpha = min(q, 1 - q), 1 - CONFIDENCE
    return math.ceil(math.log(alpha / 2) / math.log(1 - tail))


def _size_cell(metric: Metric, sizes: Sequence[int | None], versions: tuple[str, str]) -> Cell:
    values = [None if size is None else float(size) for size in sizes]
    blank, (first, second) = _blank(metric, 0, values), values
    if first is None or second is None:
        unknown = " and ".join(dict.fromkeys(v for v, size in zip(versions, sizes, strict=True) if size is None))
        return replace(blank, reason=f"the size of {unknown} is not known here: external models have no package")
    gap = first - second
    said = verdict(gap, gap, metric.margin)
    return replace(
        blank, difference=gap, ci_low=gap, ci_high=gap, se=0.0, verdict=said, method="exact: bytes of the package"
    )


def _blank(metric: Metric, n: int, values: Sequence[float | None]) -> Cell:
    return Cell(
        metric=metric.name,
        block=metric.block,
        cohort=None,
        cohort_value=None,
        n=n,
        champion=values[0],
        challenger=values[1],
        difference=None,
        ci_low=None,
        ci_high=None,
        margin=metric.margin,
        verdict=Verdict.NOT_APPLICABLE,
        rows_needed=None,
        method="",
        reason="",
    )
