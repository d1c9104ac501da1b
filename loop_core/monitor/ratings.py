"""What people's ratings came to, window by window: out of the profiles, which hold their sums, or out of the rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from loop_core.feedback import mean_interval
from loop_core.feedback.trend import points
from loop_core.labels import read_at
from loop_core.monitor.cut import OTHER, Cut
from loop_core.monitor.profiles import RATING
from loop_core.monitor.profiles.daily import stored_days
from loop_core.monitor.profiles.plan import Span
from loop_core.monitor.profiles.series import WindowCounts, windows_of
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class RatingPoint:
    """The ratings given in one window."""

    window_start: datetime
    window_end: datetime
    """Exclusive; windows go by the time a rating was given."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    """Of the prediction it is about; `(unlinked)`: of none that is known."""
    n: int
    mean: float
    ci_low: float | None
    """95 % t interval of the mean; None: under two ratings."""
    ci_high: float | None


def mean_ratings(
    loop: Loop, as_of: datetime, *, cohort: str | tuple[str, ...] | None = None, weeks: int | None = None
) -> list[RatingPoint]:
    """Mean ratings by window, oldest window first. No row is read where the profiles are up to date, but those of a day
    that is not over, of pairs of cohorts, and of cohorts of which the profiles keep only the largest values apart.

    Args:
        loop: the loop.
        as_of: UTC instant; ratings given later are not seen.
        cohort: split by this declared cohort of the predictions, or by a pair of them.
        weeks: only the newest windows; None: all.

    Raises:
        UnknownNameError: no such cohort.
    """
    cut, windows = Cut.of(loop.charter, cohort), Windows.at(as_of, loop.charter.monitor.window_days)
    found = _from_profiles(loop, as_of, windows, cut, weeks)
    if found is None:
        return list(_from_rows(loop, as_of, windows, cut, weeks))
    said = [(number, value, *sums) for value, of in found.items() for number, sums in _sums(of)]
    return [_point(windows, cut, *one) for one in sorted(said, key=lambda one: (one[0], one[1] or "")) if one[2]]


def _from_profiles(
    loop: Loop, as_of: datetime, windows: Windows, cut: Cut, weeks: int | None
) -> Mapping[str | None, WindowCounts] | None:
    """Cohort value → sums of windows; None: the profiles do not tell."""
    if len(cut.cohorts) > 1:
        return None
    span = Span(windows.start(weeks).date(), windows.end.date())
    with stored_days(loop, as_of) as days:
        if days is None:
            return None
        frame = days.counts(span, cut.cohorts[0] if cut.cohorts else None, [RATING])
        found = windows_of(frame, span, windows, days, [RATING])[RATING]
    return None if OTHER in found else found


def _sums(of: WindowCounts) -> Iterator[tuple[int, tuple[int, float, float]]]:
    """(window, (ratings, total, squares))."""
    for number, (n, total, squares) in zip(of.numbers, of.sums.tolist(), strict=True):
        yield number, (int(n), total, squares)


def _point(
    windows: Windows, cut: Cut, number: int, value: str | None, n: int, total: float, squares: float
) -> RatingPoint:
    mean = total / n
    spread = math.sqrt(max(squares - total * mean, 0.0) / (n - 1)) if n > 1 else None
    low, high = mean_interval(n, mean, spread) or (None, None)
    return RatingPoint(*windows.span(number), cut.name, value, n, mean, low, high)


def _from_rows(loop: Loop, as_of: datetime, windows: Windows, cut: Cut, weeks: int | None) -> Iterator[RatingPoint]:
    for p in points(read_at(loop, as_of), windows, cut if cut.cohorts else None, weeks):
        if p.rating_mean is not None:
            place = (p.window_start, p.window_end, p.cohort, p.cohort_value)
            yield RatingPoint(*place, p.n_rated, p.rating_mean, p.rating_ci_low, p.rating_ci_high)
