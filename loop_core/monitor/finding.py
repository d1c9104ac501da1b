"""One thing the monitor says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from loop_core.vocabulary import State

Stage = Literal["signals", "quality", "drift", "performance", "feedback", "service"]
#: In pipeline order.
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True)
class Finding:
    """A sentence with its evidence. `pending` and `not_applicable` are findings too, and not good news."""

    code: str
    """Stable name of the check, e.g. `drift.feature`."""
    stage: Stage
    subject: str
    """What it is about: a feature, a metric, a signal."""
    state: State
    sentence: str
    """For people; names n and window."""
    value: float | None = None
    """What was measured, in the check's unit; None: not measurable."""
    ci_low: float | None = None
    """95 % interval of the value; None: the check has none."""
    ci_high: float | None = None
    threshold: float | None = None
    """Beyond this the state is worse than ok; None: none applies."""
    n: int | None = None
    """Rows it rests on."""
    window_start: datetime | None = None
    window_end: datetime | None = None
    """Exclusive."""
    model_version: str | None = None
    """Whose predictions; None: not about a model."""
    cohort: str | None = None
    """Declared cohort it is about; None: everybody."""
    cohort_value: str | None = None
    source: str | None = None
    """Source of the rows it is about, e.g. a file or partner; None: all of them."""
    impact: float | None = None
    """Estimated harm to the loop's first metric, in its unit, up is bad; None: not estimated."""
    evidence: str = ""
    """SQL or call that reproduces the value; empty: the sentence says it all."""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What it is about, whatever its numbers: code, subject, cohort, its value, source; empty for none."""
        return self.code, self.subject, self.cohort or "", self.cohort_value or "", self.source or ""


def window_text(start: datetime, end: datetime) -> str:
    """A window in words: its first and last day.

    >>> from datetime import UTC
    >>> window_text(datetime(2018, 8, 20, tzinfo=UTC), datetime(2018, 8, 27, tzinfo=UTC))
    '2018-08-20 to 2018-08-26'
    """
    return f"{start:%Y-%m-%d} to {end - timedelta(microseconds=1):%Y-%m-%d}"
