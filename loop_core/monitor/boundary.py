"""Scores near the operating threshold: how many there are, and how often the decision on them is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from loop_core.errors import RefusedError
from loop_core.feedback import wilson
from loop_core.labels import mature_shares, read_at
from loop_core.monitor.cut import Cut
from loop_core.vocabulary import Task
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Bands of equal width from 0 to 1, and how near to the threshold is near.
BANDS, NEAR = 20, 0.05


@dataclass(frozen=True)
class ScoreBand:
    """Scores between two values."""

    low: float
    """Lowest score in it (inclusive)."""
    high: float
    """Exclusive, but for the last band."""
    n: int
    """Predictions with such a score, labelled or not."""
    share: float
    """Of all predictions, 0..1."""
    n_labelled: int
    error_share: float | None
    """Labelled rows on the wrong side of the threshold, 0..1; None: none is labelled."""
    ci_low: float | None
    """95 % Wilson interval."""
    ci_high: float | None


@dataclass(frozen=True)
class ScoreBands:
    """The decision boundary of one span, in one cohort value."""

    window_start: datetime
    window_end: datetime
    """Exclusive; only mature windows."""
    cohort: str | None
    cohort_value: str | None
    model_version: str | None
    threshold: float
    """From this score on the model says yes."""
    bands: tuple[ScoreBand, ...]
    """Twenty of equal width from 0 to 1."""
    near_share: float
    """Share of predictions within 0.05 of the threshold: a small shift of scores turns these over."""
    near_error_share: float | None
    """Share of the labelled ones among them that were decided wrongly."""
    near_ci_low: float | None
    near_ci_high: float | None
    n: int
    """Predictions."""
    n_labelled: int
    mature: tuple[tuple[datetime, datetime], ...] = ()
    """Start and end of each mature window: the rows are of these."""


_COUNTS = """
    select {cohort} as c, model_version as v, least(floor(score * $bands), $bands - 1)::int as band,
      (score >= $threshold)::int as yes, (abs(score - $threshold) <= $near)::int as near,
      count(*) as n, count(label) as labelled, coalesce(sum((label = 1)::int), 0)::bigint as hits
    from rows where score between 0 and 1 and predicted_at >= $first and predicted_at < $last and list_contains($ripe, {window})
    group by all order by c nulls first, v, band, yes, near"""


def decision_boundary(
    loop: Loop,
    as_of: datetime,
    *,
    cohort: str | tuple[str, ...] | None = None,
    weeks: int = 12,
    threshold: float = 0.5,
) -> list[ScoreBands]:
    """Density and error of scores along the way from 0 to 1; one for each cohort value, the largest first.

    Args:
        loop: the loop.
        as_of: UTC instant; labels known later are not used, and only mature windows count.
        cohort: split by this declared cohort, or by a pair.
        weeks: the newest windows.
        threshold: from this score on the model says yes.

    Raises:
        UnknownNameError: no such cohort.
        RefusedError: the model says no yes or no.
    """
    if loop.charter.loop.task is not Task.BINARY:
        raise RefusedError(
            f"{loop.name} is a {loop.charter.loop.task.value} loop",
            "a yes/no model: only that has one threshold",
            "look at its calibration",
        )
    cut, windows = Cut.of(loop.charter, cohort), Windows.at(as_of, loop.charter.monitor.window_days)
    ripe = _ripe(loop, as_of, windows, weeks)
    if not ripe:
        return []
    reading = read_at(loop, as_of, since=windows.span(min(ripe))[0])
    sql = _COUNTS.format(cohort=cut.sql, window=windows.sql("predicted_at"))
    span = windows.span(min(ripe))[0], windows.span(max(ripe))[1]
    bound = {"bands": BANDS, "near": NEAR, "threshold": threshold, "first": span[0], "last": span[1], "ripe": ripe}
    by_value: dict[str | None, list[tuple[int, ...]]] = {}
    versions: dict[str | None, set[str]] = {}
    for value, version, *counts in reading.rows(sql, **bound, **windows.parameters()):
        by_value.setdefault(value, []).append(tuple(counts))
        versions.setdefault(value, set()).update({version} - {None})
    found = [
        _bands(span, (cut.name, value), " + ".join(sorted(versions[value])) or None, threshold, rows)
        for value, rows in by_value.items()
    ]
    mature = tuple(windows.span(w) for w in sorted(ripe))
    return sorted((replace(one, mature=mature) for one in found), key=lambda one: -one.n)[: cut.max_values]


def _ripe(loop: Loop, as_of: datetime, windows: Windows, weeks: int) -> list[int]:
    shares = mature_shares(loop, as_of, windows, windows.start(weeks))
    return [w for w, share in shares if share >= loop.charter.labels.min_mature_share and w > -weeks]


def _bands(
    span: tuple[datetime, datetime],
    cohort: tuple[str | None, str | None],
    version: str | None,
    threshold: float,
    rows: list[tuple[int, ...]],
) -> ScoreBands:
    table = np.asarray(rows, dtype=np.int64)
    band, yes, near, n, labelled, hits = table.T
    wrong = np.where(yes == 1, labelled - hits, hits)
    total = int(n.sum())
    bands = tuple(
        _band(i, int(n[band == i].sum()), int(labelled[band == i].sum()), int(wrong[band == i].sum()), total)
        for i in range(BANDS)
    )
    close = near == 1
    close_labelled, close_wrong = int(labelled[close].sum()), int(wrong[close].sum())
    low, high = wilson(close_wrong, close_labelled) or (None, None)
    share = close_wrong / close_labelled if close_labelled else None
    near_share = int(n[close].sum()) / total
    return ScoreBands(
        *span, *cohort, version, threshold, bands, near_share, share, low, high, total, int(labelled.sum())
    )


def _band(place: int, n: int, labelled: int, wrong: int, total: int) -> ScoreBand:
    low, high = wilson(wrong, labelled) or (None, None)
    share = wrong / labelled if labelled else None
    return ScoreBand(place / BANDS, (place + 1) / BANDS, n, n / total, labelled, share, low, high)
