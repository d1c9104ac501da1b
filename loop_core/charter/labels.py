"""When a label counts as known, and what rows count as that never get one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from loop_core.charter.contract import Column
from loop_core.charter.part import DAYS, Name, Part, Share, added
from loop_core.vocabulary import Task


class Labels(Part):
    """`[labels]`: when a label counts as known."""

    horizon_days: Annotated[float, DAYS] = Field(gt=0)
    """So many days after it was made a prediction is due: one without a label then counts as having none for good. Models are
    trained and compared on predictions that are due; comparisons also on a random sample, see `sampled`."""
    min_mature_share: Share = 0.99
    """A window's realised metric is reported from this share of mature predictions on; before, it is pending: the last labels
    to come are the bad ones more often than not, so what is read early is too good: how much so, at which share, says
    `python -m tests.bench late_labels`."""
    never: Literal["excluded", "negative", "bounded"] = added("excluded")
    """What predictions count as that are due and have no label still: nothing, a no (binary: frauds that nobody reported),
    or in comparisons whatever is worst for the verdict (classes), so that a verdict holds whatever they are."""
    sampled: Name | None = added(None)
    """The context column that holds the probability with which a prediction was drawn at random to be labelled soon,
    whatever its label; empty or 0: not drawn. Comparisons use such rows before they are due, each for 1/probability
    predictions; None: there is no such sample."""


def labels_misfit(labels: Labels, task: Task, context: Sequence[Column]) -> str:
    """What of `[labels]` does not fit the rest of the charter, in one sentence; empty: all does."""
    if labels.never == "negative" and task is not Task.BINARY:
        return f"labels.never = 'negative' is of a yes/no model, and task is {task.value!r}; 'excluded' is of any"
    if labels.never == "bounded" and task is Task.REGRESSION:
        return "labels.never = 'bounded' is of classes, and task is 'regression': a number has no worst value; 'excluded' is of any"
    numbers = [column.name for column in context if column.type == "number"]
    if labels.sampled is not None and labels.sampled not in numbers:
        return (
            f"labels.sampled = {labels.sampled!r} is no [[context]] column of type number, which holds the probability"
            " of being drawn"
        )
    return ""
