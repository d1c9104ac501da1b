"""What is profiled and into which bins: learned once from a reference, stored, and known by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from loop_core.charter import Charter
from loop_core.monitor.profiles.binning import (
    DECADES,
    LEVELS,
    MAX_CATEGORIES,
    MAX_RARE,
    MIN_SHARE,
    Binning,
    CategoryBins,
    NumberBins,
)

SCORE, LATENCY, RATING = "score", "latency_ms", "rating"
#: Ratings of no known prediction, as a cohort value.
UNLINKED = "(unlinked)"
#: Latencies are compared across champions: fixed bins, ten to a decade from 1 ms to 100 s.
LATENCY_BINS = NumberBins(tuple(float(f"{10 ** (k / 10):.4g}") for k in range(51)))
#: Cohort values beyond the charter's `max_values` largest ones of the reference.
REST = "(other)"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Span:
    """Whole UTC days, the end exclusive."""

    start: date
    end: date

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Span | None:
        """The whole days between two instants, the first one whole in any case; None: there is none.

        >>> str(Span.of(datetime(2018, 1, 1, 9, tzinfo=UTC), datetime(2018, 1, 3, 5, tzinfo=UTC)))
        '2018-01-01 – 2018-01-02'
        """
        span = cls(start.astimezone(UTC).date(), end.astimezone(UTC).date())
        return span if span.start < span.end else None

    def __str__(self) -> str:
        return f"{self.start} – {self.end - timedelta(days=1)}"

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """Start and end as UTC instants."""
        return datetime.combine(self.start, time(), UTC), datetime.combine(self.end, time(), UTC)

    @property
    def numbers(self) -> tuple[int, int]:
        """Start and end as days since 1970."""
        return number_of(self.start), number_of(self.end)


def number_of(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


@dataclass(frozen=True)
class Scored:
    """What the champion itself said: compared with its first weeks of service."""

    version: str
    span: Span
    bins: Mapping[str, NumberBins]
    """Column → bins: `score`, and of several classes `score_<class>` for each."""


@dataclass(frozen=True)
class Rated:
    """What people said: each rating belongs to the day on which it was given, and to the cohorts of its prediction."""

    bins: NumberBins
    rows: int
    """Ratings given in the reference when the bins were learned."""


UNRATED = Rated(NumberBins(()), 0)


@dataclass(frozen=True)
class Plan:
    """Columns with their bins, and cohorts with the values that are kept apart."""

    key: str
    """Hash of what the bins depend on: columns, cohorts, windows, champion, reference. Another one: learn again."""
    span: Span
    """The reference of the features."""
    window_days: int
    bins: Mapping[str, Binning]
    """Feature → bins, in the charter's order."""
    cohorts: Mapping[str, tuple[str, ...]]
    """Cohort → its values, the largest first."""
    rows: int
    """Rows of the reference when it was learned."""
    scored: Scored | None
    """None: the champion has not served long enough."""
    rated: Rated = UNRATED

    @cached_property
    def subjects(self) -> dict[str, Binning]:
        """Every profiled column → its bins."""
        own: Mapping[str, Binning] = self.scored.bins if self.scored else {}
        return {**self.bins, **own, LATENCY: LATENCY_BINS, RATING: self.rated.bins}

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """Columns of what the champion said; empty: it has not served long enough."""
        return tuple(self.scored.bins) if self.scored else ()

    @cached_property
    def id(self) -> str:
        """Hash of the content, 16 hex digits."""
        text = json.dumps(
            [self.key, {name: _plain(b) for name, b in self.subjects.items()}, dict(self.cohorts)], sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def span_of(self, subject: str) -> Span:
        """The reference of a column."""
        return self.scored.span if self.scored and subject in self.scored.bins else self.span


def _plain(bins: Binning) -> Any:
    if isinstance(bins, CategoryBins):
        return [bins.kept, sorted(bins.rare), sorted(bins.once)]
    return list(bins.edges) if isinstance(bins, NumberBins) else None


def answers_of(charter: Charter) -> tuple[str, ...]:
    """Columns of a prediction that hold what the model said; `score` is one of them in any task."""
    return tuple(dict.fromkeys((SCORE, *charter.score_columns)))


def key_of(charter: Charter, champion: str | None, span: Span) -> str:
    """Hash of everything bins are learned from but the rows, how they are learned too: where that changes, stored profiles
    are counted again on first use."""
    features = [(c.name, c.type) for c in charter.features]
    cohorts = [(c.name, c.sql, c.max_values) for c in charter.cohorts]
    what = [features, cohorts, charter.monitor.window_days, champion, str(span), RATING, answers_of(charter)]
    what += [LEVELS, DECADES, MIN_SHARE, MAX_CATEGORIES, MAX_RARE]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
