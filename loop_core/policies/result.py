"""What a replay of policies ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from loop_core.figures import numbers_apart
from loop_core.frames import to_json


@dataclass(frozen=True)
class ReplayedRetrain:
    """One retrain that a policy would have started."""

    as_of: datetime
    """When it would have been decided; its model serves from then on."""
    fired: tuple[str, ...]
    """Kinds of the triggers that fired."""
    sentence: str
    """Why."""
    n_rows: int
    """Rows it learned from."""
    train_start: datetime
    train_end: datetime
    """It saw nothing predicted at or after this."""
    seconds: float
    """CPU seconds of the fit, as measured when it was made first."""


@dataclass(frozen=True)
class WindowValue:
    """The metric in one step of the replay."""

    window_start: datetime
    window_end: datetime
    """Exclusive."""
    value: float | None
    """In the metric's unit, on the rows whose label horizon has passed; None: there are none."""
    n: int
    """Those rows."""
    mature_share: float
    """Their share of the window's predictions, 0..1, counting those that will never get a label."""


@dataclass(frozen=True)
class PolicyRun:
    """What one policy would have done."""

    name: str
    retrains: tuple[ReplayedRetrain, ...]
    """The model that every policy begins with is not among them."""
    windows: tuple[WindowValue, ...]
    """One for each step, oldest first."""
    value: float | None
    """The metric over the whole span; None: no label has matured."""
    n: int
    """Rows it rests on, the same for every policy."""
    difference: float | None
    """Value minus that of the best fixed schedule in hindsight; None: there is no value."""
    ci_low: float | None
    """95 % t interval of the difference, steps counted as the units: rows of one week share their luck. None: under three
    steps."""
    ci_high: float | None
    fit_seconds: float
    """CPU seconds of its fits, as measured when they were made first: one fit each, no search."""
    granted_seconds: float
    """Seconds of search that the charter would have granted its retrains."""
    notes: tuple[str, ...] = ()
    """What could not be done, and why."""


@dataclass(frozen=True)
class PolicyReplay:
    """Policies side by side over one span of the past."""

    loop: str
    metric: str
    start: datetime
    """UTC instant at which all begin with the same model."""
    end: datetime
    every_days: float
    """Days between evaluations."""
    as_of: datetime
    """UTC instant as of which labels are known to the result; no policy knew any later than its own evaluations."""
    seed: int
    trees: int
    """Of each fit, with the default parameters."""
    snapshot: int
    """Lake snapshot that was read."""
    charter_hash: str
    best_fixed: str
    """Name of the fixed schedule with the best value in hindsight, `every_week` among them."""
    runs: tuple[PolicyRun, ...]
    notes: tuple[str, ...] = ()
    """What a reader should know."""
    id: str = ""
    """Hash of everything else in it."""

    def run(self, name: str) -> PolicyRun:
        """The run of a policy; UnknownNameError lists them."""
        from loop_core.errors import UnknownNameError

        for run in self.runs:
            if run.name == name:
                return run
        raise UnknownNameError("policy in this replay", name, [run.name for run in self.runs])

    @property
    def tried(self) -> tuple[PolicyRun, ...]:
        """The policies that were handed in; the baselines come after them."""
        names = [run.name for run in self.runs]
        return self.runs[: names.index("never")]

    @property
    def shown(self) -> tuple[PolicyRun, ...]:
        """Those worth a line: what was tried, the best fixed schedule, and the two extremes."""
        names = (*(run.name for run in self.tried), self.best_fixed, "every_week", "never")
        return tuple(self.run(name) for name in dict.fromkeys(names))

    @property
    def sentence(self) -> str:
        """Value and retrains of those."""
        runs = [run for run in self.shown if run.value is not None]
        values = numbers_apart(*(run.value for run in runs if run.value is not None), digits=4)
        said = [f"{run.name} {value} with {len(run.retrains)}" for run, value in zip(runs, values, strict=True)]
        words = self.metric.replace("_", " ")
        if not said:
            return f"No label of {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d} has matured: there is no {words} yet."
        return f"{words[0].upper()}{words[1:]} and retrains: {'; '.join(said)}."

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        plain: dict[str, Any] = to_json(self)
        return plain

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PolicyReplay:
        """Read `to_json` back."""
        runs = tuple(_run(run) for run in stored["runs"])
        return cls(**{**_fields(cls, stored), "runs": runs, "notes": tuple(stored["notes"])})


def _run(stored: Mapping[str, Any]) -> PolicyRun:
    retrains = tuple(
        ReplayedRetrain(**{**_fields(ReplayedRetrain, one), "fired": tuple(one["fired"])}) for one in stored["retrains"]
    )
    windows = tuple(WindowValue(**_fields(WindowValue, one)) for one in stored["windows"])
    whole = {"retrains": retrains, "windows": windows, "notes": tuple(stored["notes"])}
    return PolicyRun(**{**_fields(PolicyRun, stored), **whole})


def _fields(of: type, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields of a dataclass, instants read."""
    return {
        field.name: datetime.fromisoformat(stored[field.name]) if field.type == "datetime" else stored[field.name]
        for field in fields(of)
    }
