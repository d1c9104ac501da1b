"""A realised metric and its error: what there is to measure, and which way is bad."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.monitor.losses import ROW_LOSSES

METRICS = ("auc", *ROW_LOSSES)
#: Metrics of which less is worse.
UP_IS_GOOD = frozenset({"auc", "accuracy"})


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


def rises(metric: str, value: float) -> float:
    """The value turned so that up is bad.

    >>> rises("auc", 0.7), rises("log_loss", 0.3)
    (-0.7, 0.3)
    """
    return -value if metric in UP_IS_GOOD else value
