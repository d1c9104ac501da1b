"""Which of the windows just measured are worth storing, and for which instants they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from loop_core.monitor.groups import Place
from loop_core.monitor.kept import kept_of
from loop_core.monitor.settled.standing import Standing
from loop_core.monitor.settled.store import Entry, Held
from loop_core.monitor.settled.summary import Runs, ScoredRows, Summary

if TYPE_CHECKING:
    from loop_core.monitor.settled.reading import Asked

#: Rows of a window that wait for a label and are remembered one by one.
WAITING = 10_000


class Fresh:
    """Makes entries of windows that were measured at an instant."""

    def __init__(self, asked: Asked, stored: Standing, numbers: Sequence[int]) -> None:
        self.asked, self.stored = asked, stored
        self.lasting = cache(self._lasting)
        self._numbers = numbers
        self._later = self._told_later(min(numbers) - max(asked.lengths) + 1) if stored.replayed else {}

    def _lasting(self, length: int) -> frozenset[int]:
        """Runs that are over and of which nothing else is known for another window's time."""
        asked, soon = self.asked, self.asked.as_of + timedelta(days=self.asked.windows.days)
        return frozenset(
            w
            for w in self._numbers
            if asked.windows.span(w)[1] <= asked.as_of and ((told := self._next(w, length)) is None or told > soon)
        )

    def entries(
        self, cohort: str | None, runs: Runs, found: Mapping[Place, Summary], rows: ScoredRows, column: str
    ) -> dict[int, Entry]:
        """Run → its entry, for lasting runs; not for those of which too many rows will be overdue before long."""
        news = rows.last_news(runs.length)
        waiting = rows.waiting(column) if runs.length == 1 else None
        values: dict[int, dict[str | None, Summary]] = {w: {} for w in runs.numbers}
        for (w, value), summary in found.items():
            if w in values:
                values[w][value] = summary
        made = {w: self._entry(cohort, (w, runs.length), mine, waiting, news.get(w)) for w, mine in values.items()}
        return {w: entry for w, entry in made.items() if entry is not None}

    def _entry(
        self,
        cohort: str | None,
        run: tuple[int, int],
        summaries: Mapping[str | None, Summary],
        waiting: Mapping[Place, list[int]] | None,
        news: datetime | None,
    ) -> Entry | None:
        (w, length), windows = run, self.asked.windows
        start, end = windows.span(w - length + 1)[0], windows.span(w)[1]
        due = {value: (waiting or {}).get((w, value), []) for value in summaries}
        many = sum(map(len, due.values())) > WAITING
        labels = self.asked.loop.charter.labels
        horizon = timedelta(days=labels.horizon_days)
        # A row that comes to be due without a label has one then.
        turning = labels.never == "negative" and end + horizon > self.asked.as_of
        overdue = start + horizon if many or turning else None
        if overdue is not None and overdue <= self.asked.as_of + timedelta(days=windows.days):
            return None
        ends = [moment for moment in (self._next(w, length), overdue) if moment is not None]
        return Entry(
            cohort=cohort,
            first_day=start.date(),
            days=windows.days * length,
            valid_from=max(end, news or end),
            valid_until=min(ends, default=None),
            seen=self.stored.snapshot,
            values={
                value: _held(one, None if many or waiting is None else due[value]) for value, one in summaries.items()
            },
        )

    def _next(self, w: int, length: int) -> datetime | None:
        """When the next statement about a run is known."""
        return min((self._later[k] for k in range(w - length + 1, w + 1) if k in self._later), default=None)

    def _told_later(self, first: int) -> dict[int, datetime]:
        """Window from a number on → when the first statement about it after `as_of` is known: the lake holds it already."""
        asked, kept = self.asked, kept_of(self.asked.loop.lake)
        seen, key = (self.stored.snapshot, asked.as_of, asked.windows), ("told later", asked.loop.name)
        before, number, told = kept.look(key, (None, 0, {}))
        if before != seen or first < number:
            told = self._read_later(first)
            kept.put(key, (seen, first, told))
        return dict(told)

    def _read_later(self, first: int) -> dict[int, datetime]:
        loop, windows = self.asked.loop, self.asked.windows
        sql = f"""select {windows.sql("predicted_at")} as w, min(observed_at) from {loop.table("predictions")}
            join (select prediction_id, observed_at from {loop.table("outcomes")} where observed_at > $as_of) using (prediction_id)
            where predicted_at >= $first and predicted_at < $last group by w"""
        span = {"first": windows.span(first)[0], "last": windows.end}
        return dict(loop.lake.rows(sql, {"as_of": self.asked.as_of, **span, **windows.parameters()}))


def _held(one: Summary, due: list[int] | None) -> Held:
    return Held(one.predictions, one.n, one.versions, one.measured, None if due is None else tuple(due))
