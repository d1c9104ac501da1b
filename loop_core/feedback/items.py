"""Single items of feedback beside the prediction they are about, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.charter import Cohort
from loop_core.feedback.mask import masked
from loop_core.labels import read_at
from loop_core.lake import Reading
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


@dataclass(frozen=True)
class FeedbackPage:
    """One page of items."""

    items: tuple[FeedbackItem, ...]
    total: int
    """Items that match, on all pages."""


_MATCHING = """
    from feedback as f {join}
    where ($text is null or contains(lower(f.comment), lower($text)))
      and ($max_rating is null or f.rating <= $max_rating){condition}"""

_PAGE = """select feedback_id, given_at, kind, rating, comment, prediction_id
    {matching} order by given_at desc, feedback_id limit $limit offset $offset"""

# Not `rows`: that would work out every label there is for the few on the page.
_ABOUT = """
    select prediction_id, p.predicted_at, p.model_version, p.score, l.label
    from (from predictions where list_contains($ids, prediction_id)) as p
    left join (from labels where list_contains($ids, prediction_id)) as l using (prediction_id)"""


def feedback_items(
    loop: Loop,
    as_of: datetime,
    *,
    text: str | None = None,
    max_rating: float | None = None,
    group: tuple[str, str] | None = None,
    offset: int = 0,
    limit: int = 15,
) -> FeedbackPage:
    """Feedback that matches every given filter, newest first.

    Args:
        loop: the loop.
        as_of: UTC instant; feedback and outcomes known later are not seen.
        text: only comments that contain this, in any case.
        max_rating: only ratings up to this.
        group: only about predictions of this cohort and value.
        offset, limit: which items of the matching ones.

    Raises:
        UnknownNameError: no such cohort.
    """
    reading = read_at(loop, as_of)
    matching, bound = _MATCHING.format(join="", condition=""), {"text": text or None, "max_rating": max_rating}
    if group is not None:
        matching, bound["cohort_value"] = _of_cohort(loop.charter.cohort(group[0])), group[1]
    total = reading.rows(f"select count(*) {matching}", **bound)[0][0]
    found = reading.rows(_PAGE.format(matching=matching), limit=limit, offset=offset, **bound)
    about = _about(reading, [row[-1] for row in found if row[-1] is not None])
    return FeedbackPage(tuple(_item(row, about.get(row[-1], _NOTHING)) for row in found), total)


def _of_cohort(cohort: Cohort) -> str:
    join = f"join (select prediction_id, {cohort.sql} as value from predictions) as p using (prediction_id)"
    return _MATCHING.format(join=join, condition=" and p.value = $cohort_value")


#: What is known of no prediction: predicted_at, model_version, score, label.
_NOTHING = (None,) * 4


def _about(reading: Reading, ids: Sequence[str]) -> dict[str | None, tuple[Any, ...]]:
    """Prediction id → its `_NOTHING` columns, known."""
    return {row[0]: row[1:] for row in reading.rows(_ABOUT, ids=list(ids))} if ids else {}


def _item(row: tuple[Any, ...], about: tuple[Any, ...]) -> FeedbackItem:
    feedback_id, given_at, kind, rating, comment, prediction_id = row
    return FeedbackItem(feedback_id, given_at, kind, rating, masked(comment), prediction_id, *about)
