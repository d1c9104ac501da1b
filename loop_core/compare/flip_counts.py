"""Right and wrong answers of two models in a two-by-two table, for every group at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from loop_core.compare.again import Again
from loop_core.compare.estimate import MIN_UNITS
from loop_core.compare.metrics import Pairs, Terms
from loop_core.compare.metrics.answers import answers
from loop_core.monitor.losses import absolute_errors
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import numpy.typing as npt

    from loop_core.charter import Charter
    from loop_core.compare.groups import Grouping

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FlipCount:
    """The two-by-two table of right and wrong answers in one group."""

    cohort: str | None
    """None: everybody."""
    cohort_value: str | None
    n: int
    """Rows."""
    fixed: int
    """The champion is wrong and the challenger right; of numbers, the challenger is nearer."""
    broken: int
    """The champion is right and the challenger wrong; of numbers, the challenger is farther off."""
    both_wrong: int | None
    """None: numbers are neither right nor wrong."""
    net: float
    """(fixed − broken) / n, −1..1; up is good for the challenger."""
    ci_low: float | None
    """Lower end of its 95 % interval; None: under 20 rows or entities."""
    ci_high: float | None
    weekly: float
    """Fixed − broken in a week."""


def right(charter: Charter, pairs: Pairs) -> tuple[Floats, Floats]:
    """(n,) how right each model is: 1 or 0; of numbers, minus the size of its error."""
    if charter.loop.task is Task.REGRESSION:
        return -absolute_errors(pairs.labels, pairs.champion), -absolute_errors(pairs.labels, pairs.challenger)
    terms = Terms.of(charter, "accuracy")
    return (
        (answers(pairs.champion, terms) == pairs.labels).astype(np.float64),
        (answers(pairs.challenger, terms) == pairs.labels).astype(np.float64),
    )


def flip_counts(again: Again, first: Floats, second: Floats, task: Task) -> tuple[FlipCount, ...]:
    """Everybody, then every group, the one that loses most of its answers first.

    Args:
        again: the rows and their groups.
        first, second: (n,) how right champion and challenger are, see `right`.
        task: what the models predict.
    """
    changes, wrong = np.sign(second - first), (first == 0) & (second == 0)
    found = [
        count for grouping in again.groupings for count in _of_grouping(again, grouping, changes, wrong.astype(float))
    ]
    if task is Task.REGRESSION:
        found = [replace(one, both_wrong=None) for one in found]
    return (found[0], *sorted(found[1:], key=lambda one: one.net))


def _of_grouping(again: Again, grouping: Grouping, changes: Floats, wrong: Floats) -> list[FlipCount]:
    n, weeks = grouping.sizes, again.rows.days / 7
    fixed, broken = grouping.sums((changes > 0).astype(float)), grouping.sums((changes < 0).astype(float))
    both, net = grouping.sums(wrong), (fixed - broken) / np.maximum(n, 1)
    half = _half_widths(again, grouping, changes, net)
    return [
        FlipCount(
            cohort=grouping.cohort,
            cohort_value=value,
            n=int(n[k]),
            fixed=int(fixed[k]),
            broken=int(broken[k]),
            both_wrong=int(both[k]),
            net=float(net[k]),
            ci_low=float(net[k] - half[k]) if np.isfinite(half[k]) else None,
            ci_high=float(net[k] + half[k]) if np.isfinite(half[k]) else None,
            weekly=float(fixed[k] - broken[k]) / weeks,
        )
        for k, value in enumerate(grouping.values)
        if n[k]
    ]


def _half_widths(again: Again, grouping: Grouping, changes: Floats, net: Floats) -> Floats:
    """(g,) half of each 95 % t interval; NaN under 20 units (Liang & Zeger 1986)."""
    from scipy.special import stdtrit

    blocks = grouping.blocks(again.rows.pairs.units)
    many = blocks.counts
    squares = blocks.total(blocks.sums(changes - grouping.spread(net)) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(squares * many / (many - 1)) / grouping.sizes
        half = stdtrit(many - 1, 0.975) * errors
    return np.where(many >= MIN_UNITS, half, np.nan)
