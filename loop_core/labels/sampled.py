"""Predictions that a recorded random sample drew to be labelled soon: a fair sample before the others are due."""

from __future__ import annotations

from datetime import datetime, timedelta

from loop_core.errors import RefusedError
from loop_core.labels.due import due_until
from loop_core.labels.maturity import read_at
from loop_core.lake import quoted
from loop_core.workspace import Loop

# Up to the first drawn prediction that still waits for its label, all that were drawn have one: of a sample, too, the
# labels that come early are no fair part.
_UNTIL = """
    select max({p}), min(predicted_at) filter (label is null),
      max(predicted_at) filter (label is not null)
    from rows where predicted_at >= $first and {p} > 0"""


def sampled_until(loop: Loop, as_of: datetime, start: datetime | None, snapshot: int | None = None) -> datetime | None:
    """UTC instant before which every drawn prediction has its label, later than what is due; None: there is none such.

    Args:
        loop: the loop; `[labels] sampled` of its charter names the column of the probability.
        as_of: UTC instant.
        start: only predictions made at or after it; None: all.
        snapshot: lake snapshot to read; None: the newest.

    Raises:
        RefusedError: a probability above 1.
    """
    column = loop.charter.labels.sampled
    if column is None:
        return None
    due = due_until(loop.charter, as_of)
    first = max(start, due) if start else due
    reading = read_at(loop, as_of, snapshot, since=first)
    most, waiting, newest = reading.rows(_UNTIL.format(p=quoted(column)), first=first)[0]
    if most is not None and not most <= 1:
        raise RefusedError(
            f"{column} of a prediction is {most:g}, and labels.sampled names it as the probability of being drawn",
            "probabilities from 0 to 1",
            "correct them at their source",
        )
    if newest is None or (waiting is not None and waiting <= first):
        return None
    end: datetime = newest + timedelta(microseconds=1)
    return min(end, waiting) if waiting is not None else end
