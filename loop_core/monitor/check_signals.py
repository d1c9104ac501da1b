"""Do signals still arrive as they used to? Volume, freshness, share of quarantined rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from loop_core.charter import Charter
from loop_core.feedback import wilson
from loop_core.figures import numbers_apart
from loop_core.lake import Reading
from loop_core.monitor.baseline import BEFORE, judged, usual
from loop_core.monitor.finding import Finding, window_text
from loop_core.monitor.service import HealthPoint
from loop_core.vocabulary import Signal, State
from loop_core.windows import Windows

#: A change of volume by less than this share of the usual is never an alarm.
VOLUME_MARGIN = 0.5


def check_volume(points: Sequence[HealthPoint], windows: Windows, as_of: datetime) -> Finding:
    """Predictions of the newest window against those of the windows before it, both ways."""
    start, end = windows.span(0)
    counts = {p.window_start: p.n for p in points}
    # A running day would look like missing volume, so the newest window is scaled to its full length.
    elapsed = (as_of - start) / (end - start)
    n = counts.pop(start, 0)
    rate = n / elapsed
    before = [counts.get(windows.span(-k)[0], 0) for k in range(min(BEFORE, _ages(counts, windows)), 0, -1)]
    mean = usual(before)
    said = f"{n:,} predictions, {window_text(start, min(end, as_of))}"
    if mean is None:
        return Finding(
            "signals.volume",
            "signals",
            "predictions",
            State.PENDING,
            f"{said}; no earlier window to compare with.",
            n,
            n=n,
            window_start=start,
            window_end=end,
        )
    error = math.sqrt(max(rate, 1.0))
    states = [
        judged(rate, error, before, VOLUME_MARGIN * mean),
        judged(-rate, error, [-b for b in before], VOLUME_MARGIN * mean),
    ]
    state = State.ALARM if n == 0 else next((s for s in (State.ALARM, State.WATCH) if s in states), State.OK)
    sentence = f"{said}; {mean:,.0f} in a usual window of the {len(before)} before."
    return Finding(
        "signals.volume",
        "signals",
        "predictions",
        state,
        sentence,
        n,
        threshold=mean,
        n=n,
        window_start=start,
        window_end=end,
    )


def _ages(counts: dict[datetime, int], windows: Windows) -> int:
    """Whole windows between the first with predictions and the newest; the first itself may be a part of one."""
    if not counts:
        return 0
    return max(1, (windows.span(0)[0] - min(counts)) // timedelta(days=windows.days) - 1)


def check_freshness(charter: Charter, points: Sequence[HealthPoint], windows: Windows, as_of: datetime) -> Finding:
    """Age of the newest prediction against the charter's limit, or a window's length."""
    limit = charter.gates.predictions.max_age_days or float(windows.days)
    if not points:
        sentence = f"No prediction in the last {BEFORE + 1} windows."
        return Finding("signals.freshness", "signals", "predictions", State.PENDING, sentence, threshold=limit)
    age = (as_of - max(point.newest_at for point in points)).total_seconds() / 86400
    state = State.OK if age <= limit else State.WATCH if age <= 2 * limit else State.ALARM
    told, allowed = numbers_apart(age, limit, digits=1)
    sentence = f"The newest prediction is {told} days old; {allowed} are allowed."
    return Finding("signals.freshness", "signals", "predictions", state, sentence, age, threshold=limit)


_QUARANTINE = """
    select signal, sum(received - unchanged) filter (arrived_at >= $start), sum(quarantined) filter (arrived_at >= $start),
      sum(received - unchanged) filter (arrived_at < $start), sum(quarantined) filter (arrived_at < $start)
    from batches where arrived_at <= $as_of and state <> 'retracted' and list_contains($signals, signal)
    group by signal order by signal"""


def check_quarantine(charter: Charter, reading: Reading, windows: Windows) -> Iterator[Finding]:
    """Share of arriving rows that gates turned away, per signal, against what it was before. A row that the lake had
    already is no arrival: a file sent twice would halve the share."""
    start, end = windows.span(0)
    for name, received, bad, received_before, bad_before in reading.rows(
        _QUARANTINE, start=start, signals=[signal.value for signal in Signal]
    ):
        if not received:
            sentence = f"No {name} arrived, {window_text(start, min(end, reading.as_of))}."
            yield Finding(
                "quality.quarantine",
                "quality",
                name,
                State.NOT_APPLICABLE,
                sentence,
                n=0,
                window_start=start,
                window_end=end,
            )
            continue
        low, high = wilson(int(bad), int(received)) or (0.0, 1.0)
        limit = charter.gates.of(Signal(name)).max_quarantine_share
        before = float(bad_before) / float(received_before) if received_before else None
        state = State.ALARM if low > limit else State.WATCH if before is not None and low > before else State.OK
        share = float(bad) / float(received)
        told, usual = numbers_apart(100 * share, 100 * (share if before is None else before), digits=2)
        earlier = f"; {usual}% before" if before is not None else ""
        sentence = f"{int(bad):,} of {int(received):,} {name} went to quarantine ({told}%), {window_text(start, min(end, reading.as_of))}{earlier}."
        yield Finding(
            "quality.quarantine",
            "quality",
            name,
            state,
            sentence,
            bad / received,
            low,
            high,
            limit,
            int(received),
            start,
            end,
        )
