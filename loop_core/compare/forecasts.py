"""Forecasts of what a retrain gains: what one says, its record, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from loop_core.compare.scorecard import Cell
from loop_core.compare.store import load_scorecard
from loop_core.frames import to_json
from loop_core.ledger import Entry
from loop_core.signed import signed_difference
from loop_core.workspace import Loop

#: A retrain so long after a forecast is still the one it was about.
WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Forecast:
    """What the comparison of a challenger trained now is expected to find, before it is trained."""

    loop: str
    as_of: datetime
    """UTC instant; nothing later is known."""
    champion: str
    metric: str
    """The charter's first."""
    expected: float
    """Gain over the champion in the metric's unit, up is good."""
    ci_low: float
    """Where the comparison will find it 95 times in 100 …"""
    ci_high: float
    """… if the newest rows go on as they are."""
    chance: float
    """Chance that the comparison finds it, over everybody, at least not worse within the margin, 0..1. Nothing is said of
    cohorts and guardrails."""
    seconds: float | None
    """Wall clock that it will probably take; None: of a forecast on record, as equal runs write equal records."""
    quick: float | None
    """Gain of a model fitted quickly, by the champion's parameters, on rows that neither saw; None: there are none."""
    quick_se: float | None
    n: int
    """Rows of that."""
    past: int
    """Comparisons of earlier retrains that it also rests on; 0: under three there are."""

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        gain = f"{self.metric.replace('_', ' ')} {signed_difference(self.expected, self.ci_low, self.ci_high)}"
        rests = [f"a quick fit on {self.n:,} rows"] if self.quick is not None else []
        rests += [f"{self.past} earlier retrains"] if self.past else []
        return f"A retrain is expected to bring {gain}, and passes overall with a chance of {self.chance:.0%}; from {' and '.join(rests)}."


@dataclass(frozen=True)
class Outcome:
    """A forecast and what came of it."""

    forecast: Forecast
    version: str
    """The challenger that was trained."""
    found: float
    """Its gain in the comparison."""
    passed: bool
    """Whether that was, over everybody, at least not worse within the margin."""

    @property
    def inside(self) -> bool:
        """Whether it lay within the forecast's interval."""
        return self.forecast.ci_low <= self.found <= self.forecast.ci_high


def forecast_outcomes(loop: Loop, as_of: datetime) -> list[Outcome]:
    """Forecasts on record whose retrain was compared by `as_of`, oldest first.

    The retrain of a forecast is the one for the same instant, or the next within seven days, against the same champion; of
    several forecasts for one retrain the newest counts.
    """
    compared = first_comparisons(loop, as_of)
    retrains = [entry for entry in loop.entries("retrain.finished", as_of) if entry.subject in compared]
    told_of: dict[str, Forecast] = {}
    for entry in loop.entries("retrain.forecast", as_of):
        told = _read(entry.payload)
        after = (r.subject for r in retrains if timedelta(0) <= r.as_of - entry.as_of <= WITHIN)
        version = next((v for v in after if compared[v].payload["champion"] == told.champion), None)
        if version is not None:
            told_of[version] = told
    found = ((told, version, gained(loop, compared[version], told.metric)) for version, told in told_of.items())
    return [
        Outcome(told, version, cell.difference, cell.ci_low > -cell.margin)
        for told, version, cell in found
        if cell is not None and cell.difference is not None and cell.ci_low is not None
    ]


def first_comparisons(loop: Loop, as_of: datetime) -> dict[str, Entry]:
    """Challenger of a retrain → its first comparison with the champion it was trained to beat. A later one may be with
    another champion, or on rows that came long after."""
    against = {entry.subject: entry.payload.get("parent") for entry in loop.entries("retrain.finished", as_of)}
    found: dict[str, Entry] = {}
    for entry in loop.entries("comparison.made", as_of):
        if entry.subject in against and entry.payload["champion"] == against[entry.subject]:
            found.setdefault(entry.subject, entry)
    return found


def gained(loop: Loop, comparison: Entry, metric: str) -> Cell | None:
    """What a comparison on record found in a metric over everybody; None: it did not look at it."""
    card = load_scorecard(loop, comparison.payload["scorecard"])
    return next((cell for cell in card.cells if cell.metric == metric and cell.cohort is None), None)


def record_forecast(loop: Loop, made: Forecast, actor: str) -> Entry:
    """Write `retrain.forecast` to the ledger, to be scored later. The same instant again changes nothing."""
    return loop.ledger.append(
        kind="retrain.forecast",
        loop=loop.name,
        subject=made.champion,
        actor=actor,
        as_of=made.as_of,
        reason=made.sentence,
        payload=to_json(replace(made, seconds=None)),
        key=f"forecast:{loop.name}:{made.as_of.isoformat()}",
    )


def _read(payload: Any) -> Forecast:
    return Forecast(**{**payload, "as_of": datetime.fromisoformat(payload["as_of"])})
