"""Retrain when the newest model is so many days old, or when a cron line says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from loop_core.triggers.base import Situation, TriggerReading, days_since, share
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Schedule:
    every_days: int
    tier: Tier = Tier.ROUTINE
    kind: str = "schedule"

    def read(self, situation: Situation) -> TriggerReading:
        passed, due = days_since(situation), f"one is due every {self.every_days} days."
        if passed is None:
            return _first(self.kind, situation, due, self.tier)
        fired = passed >= self.every_days
        sentence = f"{passed} days since the last retrain; {due}"
        return TriggerReading(self.kind, fired, sentence, share(passed, self.every_days, fired), self.tier)


@dataclass(frozen=True)
class Cron:
    """Fires from the line's first time after the last retrain on, so that an evaluation that comes late, or a retrain
    that could not be done, misses none. Times are UTC."""

    line: str
    tier: Tier = Tier.ROUTINE
    kind: str = "schedule"

    def read(self, situation: Situation) -> TriggerReading:
        last, now = situation.last_retrain, situation.as_of
        if last is None:
            return _first(self.kind, situation, f"one is due by `{self.line}`.", self.tier)
        due = next_time(self.line, last)
        fired = due <= now
        word = "was due" if fired else "is due"
        sentence = (
            f"A retrain {word} on {due:%Y-%m-%d %H:%M} UTC by `{self.line}`; the last one was on {last:%Y-%m-%d}."
        )
        return TriggerReading(self.kind, fired, sentence, share((now - last) / (due - last), 1, fired), self.tier)


def _first(kind: str, situation: Situation, due: str, tier: Tier) -> TriggerReading:
    """The first retrain is due at once, unless nothing can be learned yet: it would be refused at every evaluation."""
    if situation.new_labels == 0:
        return TriggerReading(kind, False, f"No retrain is on record, and no label is mature yet; {due}", 0.0, tier)
    return TriggerReading(kind, True, f"No retrain is on record; {due}", 1.0, tier)


def next_time(line: str, after: datetime) -> datetime:
    """The first time of a cron line strictly after an instant, in UTC; the charter has checked that there is one.

    >>> next_time("0 6 1 * *", datetime(2018, 2, 1, 6, tzinfo=UTC)).isoformat()
    '2018-03-01T06:00:00+00:00'
    """
    from cronsim import CronSim

    found: datetime = next(CronSim(line, after.astimezone(UTC)))
    return found
