"""Rules about a batch as a whole: too few rows, too old, too many duplicates, too many bad rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loop_core.charter import BatchRules
from loop_core.charter.contract import Weekday
from loop_core.figures import numbers_apart, shares_apart

#: Under this many rows a share says nothing about the batch.
_MIN_ROWS_FOR_SHARES = 20


@dataclass(frozen=True)
class BatchFacts:
    """What the rules look at."""

    received: int
    quarantined: int
    duplicates: int
    """Rows whose id occurs more than once in the batch, first occurrences left out."""
    newest: datetime | None
    """Time of the newest row that passed the row rules; None: none did."""
    as_of: datetime
    null_shares: Mapping[str, float] = field(default_factory=dict)
    """Column → share of nulls among the rows that passed the row rules."""
    weekday: Weekday | None = None
    """Day of the week of all its rows; None: they are of several days."""


def breaches(rules: BatchRules, facts: BatchFacts) -> tuple[str, ...]:
    """A sentence for each broken batch rule.

    >>> from datetime import UTC
    >>> breaches(BatchRules(min_rows=100), BatchFacts(7, 0, 0, None, datetime(2018, 1, 1, tzinfo=UTC)))
    ('volume: 7 rows, at least 100 wanted',)
    """
    found = []
    if rules.min_rows is not None and facts.received < rules.min_rows:
        found.append(f"volume: {facts.received:,} rows, at least {rules.min_rows:,} wanted")
    if rules.max_rows is not None and facts.received > rules.max_rows:
        found.append(f"volume: {facts.received:,} rows, at most {rules.max_rows:,} wanted")
    found += _volume_of_weekday(rules, facts)
    if rules.max_age_days is not None and facts.newest is not None:
        age = (facts.as_of - facts.newest).total_seconds() / 86400
        if age > rules.max_age_days:
            old, oldest = numbers_apart(age, rules.max_age_days, digits=1)
            found.append(f"freshness: the newest row is {old} days old, at most {oldest} wanted")
    for what, rows, most in (
        ("duplicates", facts.duplicates, rules.max_duplicate_share),
        ("quarantine", facts.quarantined, rules.max_quarantine_share),
    ):
        if most is not None and facts.received >= _MIN_ROWS_FOR_SHARES and rows / facts.received > most:
            share, wanted = shares_apart(rows / facts.received, most, digits=1)
            found.append(f"{what}: {share} of the rows, at most {wanted} wanted")
    for column, most in rules.max_null_share.items():
        nulls = facts.null_shares.get(column, 0.0)
        if facts.received >= _MIN_ROWS_FOR_SHARES and nulls > most:
            null, wanted = shares_apart(nulls, most, digits=1)
            found.append(f"nulls: {column} is null in {null} of the rows, at most {wanted} wanted")
    return tuple(found)


def _volume_of_weekday(rules: BatchRules, facts: BatchFacts) -> list[str]:
    wanted = rules.weekday_rows.get(facts.weekday) if facts.weekday else None
    if wanted is None or wanted[0] <= facts.received <= wanted[1]:
        return []
    return [f"volume: {facts.received:,} rows on a {facts.weekday}, {wanted[0]:,} to {wanted[1]:,} wanted"]
