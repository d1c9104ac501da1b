"""One metric of one group of labelled rows, with its error: rows of one entity count as one witness."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.errors import UnknownNameError
from loop_core.monitor.groups import Group
from loop_core.monitor.losses import ROW_LOSSES
from loop_core.monitor.roc import auc_with_error
from loop_core.monitor.units import clustered_se

#: Fewer rows, or entities where they repeat, give no interval that deserves the name.
MIN_UNITS = 10
METRICS = ("auc", *ROW_LOSSES)
#: Metrics of which less is worse.
UP_IS_GOOD = frozenset({"auc"})


@dataclass(frozen=True)
class Measured:
    """A realised metric."""

    value: float
    se: float
    freedom: float
    """Degrees of freedom of the error."""

    @property
    def interval(self) -> tuple[float, float]:
        """95 % by Student's t."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.freedom, 0.975)) * self.se
        return self.value - half, self.value + half


def measure(metric: str, group: Group) -> Measured | None:
    """The metric over the labelled rows; None: not to be told from these rows.

    Raises:
        UnknownNameError: not one of `METRICS`.
    """
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    if group.n < MIN_UNITS or group.units.count < MIN_UNITS:
        return None
    if metric == "auc":
        found = auc_with_error(group.labels, group.scores, group.units)
        return Measured(*found) if found else None
    losses = ROW_LOSSES[metric](group.labels, group.scores)
    mean = float(losses.mean())
    return Measured(mean, clustered_se(losses - mean, group.units), float(group.units.count - 1))


def rises(metric: str, value: float) -> float:
    """The value turned so that up is bad.

    >>> rises("auc", 0.7), rises("log_loss", 0.3)
    (-0.7, 0.3)
    """
    return -value if metric in UP_IS_GOOD else value
