"""`scenario.toml` → when the simulation runs, how much of it there is, and which events are put into it."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loop_core.errors import SourceError
from loop_core.texts import read_text
from loop_core.toml import read_toml

EventKind = Literal[
    "covariate_shift",
    "concept_drift",
    "unit_slip",
    "latency_regression",
    "complaint_burst",
    "logged_challenger",
    "bad_rows",
]


class Event(BaseModel):
    """One injected event: what a monitor is supposed to find, and so also a line of `truth.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: EventKind
    name: str
    start: date
    """First day (UTC)."""
    end: date | None = None
    """First day after it; None: it lasts to the end of the scenario."""
    columns: tuple[str, ...] = ()
    """Columns of the signals in which it can be seen."""
    where: dict[str, str] = Field(default_factory=dict)
    """Column = value of the rows it touches (or, for the challenger, is worse in); empty: all."""
    size: float
    """A factor (slip, drift, latency), a share of rows (shift, burst, bad rows), or the challenger's bias in logits."""
    theme: str | None = None
    """`complaint_burst`: what the comments are about."""
    about: str

    def active(self, at: np.ndarray) -> np.ndarray:
        """(n,) datetime64 → (n,) bool: which instants fall into it."""
        started: np.ndarray = at >= np.datetime64(self.start)
        return started if self.end is None else started & (at < np.datetime64(self.end))


class Scenario(BaseModel):
    """A simulated world's dates, volume and events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    start: date
    """First day; a Monday."""
    end: date
    """Day of the export: predictions stop before it, and what becomes known on it or later is not in the files."""
    rows: int = Field(ge=1)
    """Predictions, unless the caller asks for another number."""
    seed: int = Field(ge=0)
    growth: float = Field(default=1.0, gt=0)
    """Daily volume on the last day over that on the first, seasons aside."""
    incumbent: str = "incumbent-1"
    challenger: str = "challenger-1"
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        for event in self.events:
            if event.start < self.start or event.start >= self.end or (event.end or self.end) <= event.start:
                raise ValueError(f"event {event.name!r} does not lie within {self.start} … {self.end}")
        return self

    @property
    def weeks(self) -> tuple[date, ...]:
        """First days of the weeks; the last one may be cut short by `end`."""
        count = -(-(self.end - self.start).days // 7)
        return tuple(self.start + timedelta(weeks=week) for week in range(count))

    def of(self, kind: EventKind) -> tuple[Event, ...]:
        """The events of a kind."""
        return tuple(event for event in self.events if event.kind == kind)


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        SourceError: missing, not TOML, or not a scenario; each problem is named.
    """
    try:
        return Scenario.model_validate(read_toml(read_text(path)))
    except FileNotFoundError:
        raise SourceError(
            f"There is no scenario at {path}", "a scenario.toml", "data/deliveries/ has one to copy"
        ) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "a scenario.toml", "check the path") from None
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path} is not TOML: {error}", "a scenario.toml", "correct the line") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'scenario'}: {e['msg']}" for e in error.errors())
        raise SourceError(f"{path}: {said}", "the keys of data/deliveries/scenario.toml", "correct them") from None


def midnight(day: date) -> datetime:
    """A day's first instant in UTC."""
    return datetime.combine(day, time(), UTC)
