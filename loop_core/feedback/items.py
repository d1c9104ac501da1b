"""Single items of feedback beside the prediction they are about, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.feedback.mask import masked
from loop_core.labels import known_at
from loop_core.lake import quoted
from loop_core.workspace import Loop


@dataclass(frozen=True)
class FeedbackItem:
    """One thing a user said."""

    feedback_id: str
    given_at: datetime
    kind: str | None
    rating: float | None
    comment: str | None
    """With e-mail addresses and telephone numbers masked."""
    prediction_id: str | None
    predicted_at: datetime | None
    """None: about no known prediction."""
    model_version: str | None
    score: float | None
    """Probability the model gave; None: nobody scored it."""
    label: float | None
    """The outcome as known at `as_of`; None: not known yet."""
    cohort_value: str | None
    """Value of the cohort that was asked for; None: none was."""


@dataclass(frozen=True)
class FeedbackPage:
    """One page of items."""

    items: tuple[FeedbackItem, ...]
    total: int
    """Items that match, on all pages."""


_FROM = """
    from feedback as f left join rows as p using (prediction_id)
    where ($text is null or contains(lower(f.comment), lower($text)))
      and ($max_rating is null or f.rating <= $max_rating)"""


def feedback_items(
    loop: Loop,
    as_of: datetime,
    *,
    text: str | None = None,
    max_rating: float | None = None,
    cohort: str | None = None,
    cohort_value: str | None = None,
    offset: int = 0,
    limit: int = 15,
) -> FeedbackPage:
    """Feedback that matches every given filter, newest first.

    Args:
        loop: the loop.
        as_of: UTC instant; feedback and outcomes known later are not seen.
        text: only comments that contain this, in any case.
        max_rating: only ratings up to this.
        cohort, cohort_value: only about predictions of this group.
        offset, limit: which items of the matching ones.

    Raises:
        UnknownNameError: no such cohort.
    """
    column = f"p.{quoted('cohort_' + loop.charter.cohort(cohort).name)}" if cohort else "null::varchar"
    source, bound = _FROM, {"text": text or None, "max_rating": max_rating}
    if cohort and cohort_value is not None:
        source, bound = f"{source} and {column} = $cohort_value", bound | {"cohort_value": cohort_value}
    reading = known_at(loop, as_of)
    total = reading.rows(f"select count(*) {source}", **bound)[0][0]
    listed = f"""
        select f.feedback_id, f.given_at, f.kind, f.rating, f.comment, f.prediction_id, p.predicted_at, p.model_version,
          p.score, p.label, {column} {source} order by f.given_at desc, f.feedback_id limit $limit offset $offset"""
    rows = reading.rows(listed, limit=limit, offset=offset, **bound)
    return FeedbackPage(tuple(_item(row) for row in rows), total)


def _item(row: tuple[Any, ...]) -> FeedbackItem:
    feedback_id, given_at, kind, rating, comment, *rest = row
    return FeedbackItem(feedback_id, given_at, kind, rating, masked(comment), *rest)
