"""Batch rules: how many rows, how old, how many of them repeated or turned away in the reference period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from loop_core.charter.contract import WEEKDAYS
from loop_core.gates.suggest.period import MIN_FOR_SHARES, Period, outward
from loop_core.gates.suggest.suggestion import Suggestion
from loop_core.lake.tables import EVENT_TIME, KEYS
from loop_core.vocabulary import Signal

#: So many days of a weekday, and so many batches that arrived one by one, are needed.
MIN_DAYS, MIN_BATCHES = 4, 5


def batch_rules(period: Period, notes: list[str]) -> Iterator[Suggestion]:
    """Proposals for each signal that the period holds rows of; `notes` gains what is not proposed, and why."""
    yield from _volume(period, notes)
    for signal in Signal:
        delivered = _delivered(period, signal)
        if delivered:
            yield from _shares(period, signal, delivered)
            yield from _freshness(period, signal, delivered, notes)


# Days as the gates see them; the first and the last of the period may be parts of days.
_DAYS = {
    "spanned": "select date_trunc('day', timezone($zone, predicted_at)) as day, batch_id from predictions"
    " where predicted_at >= $first and predicted_at < $last",
    "inner_days": "select day from spanned where day >= timezone($zone, $first) and day < date_trunc('day', timezone($zone, $last))",
    "single": "select batch_id, min(day) as day from spanned group by batch_id having min(day) = max(day)",
}
_ROWS = """
    select isodow(day)::int, count(*), 'day' from inner_days group by day
    union all select isodow(day)::int, received, 'batch' from single join batches using (batch_id)"""


def _volume(period: Period, notes: list[str]) -> Iterator[Suggestion]:
    """Half the emptiest and twice the fullest day or one-day batch of each weekday."""
    rules = period.charter.gates.predictions
    counts: dict[int, list[int]] = defaultdict(list)
    n_days: dict[int, int] = defaultdict(int)
    for day, rows, what in period.rows(_ROWS, _DAYS, zone=period.charter.loop.timezone or "UTC"):
        counts[day].append(int(rows))
        n_days[day] += what == "day"
    if rules.weekday_rows:
        return
    for day, name in enumerate(WEEKDAYS, 1):
        if n_days[day] < MIN_DAYS:
            notes.append(f"rows on a {name}: the reference has {n_days[day]}, {MIN_DAYS} are needed")
            continue
        least, most = min(counts[day]), max(counts[day])
        evidence = f"{least:,} to {most:,} rows on {n_days[day]} of them"
        yield Suggestion("volume", Signal.PREDICTIONS, f"weekday_rows.{name}", f"[{least // 2}, {2 * most}]", evidence, row=False)  # fmt: skip


_ENTERED = """
    select batch_id, max({time}) as newest from {signal} where {time} >= $first and {time} < $last group by batch_id"""
_REPEATED = "select batch_id, count(*) as n from quarantine where list_contains(rules, $rule) and state <> 'stopped' group by batch_id"
_DELIVERED = """
    select arrived_at, newest, received, quarantined, unchanged + coalesce(n, 0)
    from entered join batches using (batch_id) left join repeated using (batch_id) where state = 'ingested' and arrived_at <= $as_of"""


def _delivered(period: Period, signal: Signal) -> list[tuple[float, float, float, object]]:
    """(days old at arrival, share of repeated rows, share of quarantined rows, instant of arrival) of each batch."""
    views = {"entered": _ENTERED.format(time=EVENT_TIME[signal], signal=signal.value), "repeated": _REPEATED}
    found = period.rows(_DELIVERED, views, rule=f"{KEYS[signal][0]}.duplicate")
    return [
        ((at - newest).total_seconds() / 86400, repeated / received, quarantined / received, at)
        for at, newest, received, quarantined, repeated in found
        if received >= MIN_FOR_SHARES
    ]


def _shares(
    period: Period, signal: Signal, delivered: list[tuple[float, float, float, object]]
) -> Iterator[Suggestion]:
    rules = period.charter.gates.of(signal)
    batches = f"{len(delivered):,} batch{'es' if len(delivered) > 1 else ''}"
    repeated, turned_away = max(d[1] for d in delivered), max(d[2] for d in delivered)
    if rules.max_duplicate_share is None:
        limit = min(1.0, outward(max(0.01, 2 * repeated), up=True))
        evidence = f"at most {repeated:.2%} repeated in {batches}"
        yield Suggestion("duplicates", signal, "max_duplicate_share", f"{limit:g}", evidence, row=False)
    if "max_quarantine_share" not in rules.model_fields_set:
        limit = outward(max(0.05, 3 * turned_away), up=True)
        if limit < rules.max_quarantine_share:
            evidence = f"at most {turned_away:.2%} turned away in {batches}"
            yield Suggestion("quarantine", signal, "max_quarantine_share", f"{limit:g}", evidence, row=False)


def _freshness(
    period: Period, signal: Signal, delivered: list[tuple[float, float, float, object]], notes: list[str]
) -> Iterator[Suggestion]:
    if period.charter.gates.of(signal).max_age_days is not None:
        return
    arrivals = len({d[3] for d in delivered})
    if arrivals < MIN_BATCHES:
        came = "at once" if arrivals == 1 else f"at {arrivals} instants"
        notes.append(f"an age of {signal.value} at arrival: the reference arrived {came}, {MIN_BATCHES} are needed")
        return
    oldest = max(d[0] for d in delivered)
    limit = outward(max(1.0, 2 * oldest), up=True)
    evidence = f"the newest row was at most {oldest:.1f} days old at {arrivals} arrivals"
    yield Suggestion("freshness", signal, "max_age_days", f"{limit:g}", evidence, row=False)
