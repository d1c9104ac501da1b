"""Realised metrics that are sums over rows, as SQL over the view `rows`: what a person can run again and get every digit."""

from __future__ import annotations

from loop_core.charter import Charter
from loop_core.lake import quoted
from loop_core.monitor.losses import LEAST_CHANCE
from loop_core.vocabulary import Task

#: Condition on the rows that a realised metric is of.
COUNTED = "label is not null and score is not null and isfinite(score)"
_CHANCE = f"greatest({LEAST_CHANCE!r}, case when label > 0.5 then score else 1 - score end)"
_POSITIVES, _NEGATIVES = "count(*) filter (label > 0.5)", "count(*) filter (label <= 0.5)"
_OF_NUMBERS = {
    "mae": "avg(abs(label - score))",
    "mse": "avg((label - score) ** 2)",
    "rmse": "sqrt(avg((label - score) ** 2))",
}
_OF_CHANCES = {
    "log_loss": f"avg(-ln({_CHANCE}))",
    "brier": "avg((score - label) ** 2)",
    "accuracy": "avg(((score >= 0.5) = (label > 0.5))::int)",
    # Ranks of the positives; rows of one score share the mean of theirs.
    "auc": f"(sum(place) filter (label > 0.5) - {_POSITIVES} * ({_POSITIVES} + 1) / 2) / ({_POSITIVES} * {_NEGATIVES})",
}
_PLACED = "rank() over (order by score) + (count(*) over (partition by score) - 1) / 2 as place"


def metric_sql(charter: Charter, metric: str, within: str) -> str | None:
    """A SELECT of one metric and of how many rows it is of; None: it is no sum over rows.

    Args:
        charter: says what is predicted, and the classes.
        metric: one of those that windows are measured by.
        within: SQL condition on the rows.
    """
    by_task = {Task.REGRESSION: _OF_NUMBERS, Task.BINARY: _OF_CHANCES, Task.MULTICLASS: _of_classes(charter)}
    expression = by_task[charter.loop.task].get(metric)
    if expression is None:
        return None
    columns = f"*, {_PLACED}" if "place" in expression else "*"
    return (
        f"select {expression} as {quoted(metric)}, count(*) as n\n"
        f"from (select {columns} from rows\n  where {COUNTED} and {within})"
    )


def _of_classes(charter: Charter) -> dict[str, str]:
    """Of several classes the label is the number of one, and each has a score of its own."""
    scores = [quoted(name) for name in charter.score_columns]
    chance = _by_label(scores)
    # The first of several equal scores is the answer.
    answers = [" and ".join(f"{s} {'>' if j < k else '>='} {other}" for j, other in enumerate(scores) if j != k) or "true"
               for k, s in enumerate(scores)]  # fmt: skip
    squares = " + ".join(f"{s} ** 2" for s in scores)
    return {
        "log_loss": f"avg(-ln(greatest({LEAST_CHANCE!r}, {chance})))",
        "brier": f"avg({squares} - 2 * {chance} + 1)",
        "accuracy": f"avg(({_by_label(answers)})::int)",
    }


def _by_label(values: list[str]) -> str:
    return "case label" + "".join(f" when {k} then {value}" for k, value in enumerate(values)) + " end"
