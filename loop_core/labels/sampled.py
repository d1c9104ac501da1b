"""Predictions that a recorded random sample drew to be labelled soon: a fair sample before the others are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loop_core.errors import RefusedError
from loop_core.labels.due import due_until
from loop_core.labels.maturity import read_at
from loop_core.lake import Reading, quoted
from loop_core.vocabulary import Task
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Sample:
    """How far a random sample of predictions that are not due may be used.

    Where it ends depends on labels: up to the first drawn prediction that waits for its own, none is of the kind that is
    labelled late. Cut off before that one, such a sample has too few of the kind; so it ends *with* it, and with whatever
    else was drawn of its entity, whose labels come and stay away together. Whoever uses the sample bounds the labels that
    these have not. Then the rows are counted up to an event, which biases no sum over them (Wald 1944). Numbers have no
    bounds: see `_numbers_end`.
    """

    end: datetime
    """UTC instant before which all of it was made, but for predictions of `entity`."""
    last: tuple[datetime, int] | None
    """When the first was made that waits, and the 64-bit hash of its id, by which those of one moment are ordered; None: none
    waits before `end`."""
    entity: int | None
    """64-bit hash of its entity, of which every drawn prediction is of the sample; None: it has none, or none waits."""

    def condition(self, column: str) -> tuple[str, dict[str, Any]]:
        """SQL over `rows` that is true of its predictions, and the values of its `$names`.

        Args:
            column: the charter's, of the probability of being drawn.
        """
        drawn = f"{quoted(column)} > 0"
        if self.last is None:
            return f"({drawn} and predicted_at < $end)", {"end": self.end}
        moment, place = self.last
        inside = "predicted_at < $moment or (predicted_at = $moment and hash(prediction_id) <= $place)"
        bound: dict[str, Any] = {"moment": moment, "place": place}
        if self.entity is not None:
            inside, bound = f"{inside} or hash(entity_id) = $entity", {**bound, "entity": self.entity}
        return f"({drawn} and ({inside}))", bound


# In order of time; those of one moment by the hash of their ids, which knows nothing of labels.
_DRAWN = """
    select max({p}), min(place) filter (label is null), min(place) filter (label is not null), max(predicted_at)
    from (select *, {{'at': predicted_at, 'id': hash(prediction_id),
        'entity': case when entity_id is not null then hash(entity_id) end}} as place from rows)
    where predicted_at >= $first and {p} > 0"""


def sample_of(loop: Loop, as_of: datetime, start: datetime | None, snapshot: int | None = None) -> Sample | None:
    """The random sample of predictions that are not due; None: there is none, or nothing is known of it yet.

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
    most, waiting, known, newest = reading.rows(_DRAWN.format(p=quoted(column)), first=first)[0]
    if most is not None and not most <= 1:
        raise RefusedError(
            f"{column} of a prediction is {most:g}, and labels.sampled names it as the probability of being drawn",
            "probabilities from 0 to 1",
            "correct them at their source",
        )
    if known is None:
        return None
    after = newest + timedelta(microseconds=1)
    if loop.charter.loop.task is Task.REGRESSION:
        end = min([after, *_numbers_end(loop, as_of, column, snapshot), *([waiting["at"]] if waiting else [])])
        return Sample(end, None, None) if end > max(first, known["at"]) else None
    if waiting is None:
        return Sample(after, None, None)
    if _order(waiting) < _order(known):
        return None
    return Sample(waiting["at"] + timedelta(microseconds=1), _order(waiting), waiting["entity"])


def _order(place: dict[str, Any]) -> tuple[datetime, int]:
    return place["at"], place["id"]


_LONGEST = """
    select max(known - predicted_at) from predictions
    join (select prediction_id, min(observed_at) as known from outcomes group by prediction_id) using (prediction_id)
    where predicted_at < $due and {p} > 0"""


def _numbers_end(loop: Loop, as_of: datetime, column: str, snapshot: int | None) -> list[datetime]:
    """When the predictions were made up to which a sample of numbers may be used: so long ago as the slowest label took of
    those that were drawn and are due. All that these took is known, so the end does not hang on labels that are not; before
    any drawn prediction is due there is no such end, and no sample."""
    due = due_until(loop.charter, as_of)
    (longest,) = Reading.at(loop.lake, loop.charter, as_of, snapshot).rows(_LONGEST.format(p=quoted(column)), due=due)[
        0
    ]
    return [due if longest is None else as_of - longest]
