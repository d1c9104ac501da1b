"""What a comparison of several challengers gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.compare.metrics import words_of
from loop_core.frames import to_frame, to_rows
from loop_core.signed import signed_difference
from loop_core.vocabulary import Verdict


@dataclass(frozen=True)
class Rival:
    """One metric of one challenger over everybody, among several challengers."""

    challenger: str
    metric: str
    baseline_value: float | None
    """Of the baseline on the same rows, in the metric's own unit; None: not estimable."""
    value: float | None
    """Of the challenger."""
    difference: float | None
    """Signed so that up is good for the challenger; None: not estimable, see `reason`."""
    ci_low: float | None
    """Lower end of the interval that holds for all challengers of the metric at once, 95 %."""
    ci_high: float | None
    """Upper end."""
    margin: float
    verdict: Verdict
    """By that wider interval."""
    method: str
    """How much wider it is than that of one challenger alone, and why."""
    reason: str = ""
    """Why there is none; empty otherwise."""


@dataclass(frozen=True)
class Standing:
    """What the gates of metrics and cohorts say of one challenger on the common rows, by its own intervals. Slices, fairness
    and the contract are looked at where two are compared."""

    challenger: str
    badge: str
    """As a comparison of the two would have it, by these gates."""
    worse: tuple[str, ...]
    """Cohort values that it is shown to be worse for, e.g. `state BA`."""
    blocked: bool
    """Whether some gate blocks it."""


@dataclass(frozen=True)
class Comparisons:
    """Several challengers against one baseline."""

    loop: str
    baseline: str
    as_of: datetime
    """UTC instant; no label known later was used."""
    window_start: datetime
    window_end: datetime
    """Exclusive."""
    n: int
    """Rows that all of them scored and none has seen."""
    metric: str
    """By which the best is picked: the first goal of the charter, or else its first metric."""
    rivals: tuple[Rival, ...]
    """Challenger by challenger, metric by metric."""
    standings: tuple[Standing, ...]
    best: str | None
    """The unblocked challenger with the largest gain that is better by the wider interval; None: there is none."""
    proof: str
    """Why none of them has seen these rows."""
    notes: tuple[str, ...]
    snapshot: int
    charter_hash: str
    seed: int

    @property
    def sentence(self) -> str:
        """The result in words."""
        count = len(self.standings)
        among = f"{count} challenger{'s' if count > 1 else ''} and {self.baseline} on the same {self.n:,} rows"
        name = words_of(self.metric)
        if self.best is None:
            return f"None of {among} is shown to be better in {name} and worse for nobody."
        won = next(r for r in self.rivals if (r.challenger, r.metric) == (self.best, self.metric))
        return (
            f"{self.best} is the best of {among}: {name}"
            f" {signed_difference(won.difference or 0.0, won.ci_low, won.ci_high)}, whichever had been picked."
        )

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict per challenger and metric."""
        return to_rows(self.rivals)

    def to_frame(self) -> Any:
        """(n_rivals, n_fields)."""
        return to_frame(self.rivals)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Comparisons:
        """Read `to_json(comparisons)` back."""
        values = dict(stored)
        for name in ("as_of", "window_start", "window_end"):
            values[name] = datetime.fromisoformat(values[name])
        values["rivals"] = tuple(Rival(**{**one, "verdict": Verdict(one["verdict"])}) for one in stored["rivals"])
        values["standings"] = tuple(Standing(**{**one, "worse": tuple(one["worse"])}) for one in stored["standings"])
        return cls(**{**values, "notes": tuple(stored["notes"])})
