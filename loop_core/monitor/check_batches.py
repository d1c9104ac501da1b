"""Did each source send what it usually sends? Batches of the newest window against the earlier ones of their source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from loop_core.gates.anomaly import Judgement, judge
from loop_core.gates.batch_stats import BatchStats, past_batches, source_family
from loop_core.monitor.finding import Finding, window_text
from loop_core.vocabulary import Signal, State
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Batches looked at: those of the newest window and their history.
LOOK_BACK = 400
#: From this distance on (half-widths of what is usual, beyond its edge) an unusual batch is an alarm.
FAR = 1.0


def check_batches(loop: Loop, windows: Windows, as_of: datetime) -> Iterator[Finding]:
    """One finding for each signal of which a batch arrived: the batch least like those before, or that all are alike.

    A batch that a rule stopped, and that did not come again, is an alarm: its rows are missing.
    """
    arrived = _arrived(loop, windows, as_of)
    here = [signal for signal in Signal if any(one.signal == signal and one.state == "ingested" for one in arrived)]
    batches = past_batches(loop, *here, until=as_of, limit=LOOK_BACK) if here else []
    for signal in Signal:
        past = [batch for batch in batches if batch.signal is signal]
        found = _judged(past, windows, loop.charter.loop.timezone)
        stopped = [(b.source, b.rows, b.notes) for b in arrived if b.signal == signal and b.state == "stopped"]
        if found or stopped:
            yield _finding(signal, found, stopped, windows, as_of)


def _judged(past: list[BatchStats], windows: Windows, zone: str | None) -> list[tuple[BatchStats, Judgement]]:
    start = windows.span(0)[0]
    return [(b, judge(b, past[:i], zone)) for i, b in enumerate(past) if b.arrived_at >= start]


@dataclass(frozen=True)
class _Arrived:
    """A batch of the newest window."""

    signal: str
    state: str
    source: str
    rows: int
    notes: str


def _arrived(loop: Loop, windows: Windows, as_of: datetime) -> list[_Arrived]:
    """The newest window's batches, newest first."""
    sql = (
        f"select signal, state, source_name, received, notes from {loop.table('batches')}"
        " where arrived_at >= $start and arrived_at <= $as_of order by arrived_at desc, batch_id"
    )
    return [_Arrived(*row) for row in loop.lake.rows(sql, {"start": windows.span(0)[0], "as_of": as_of})]


def _finding(
    signal: Signal,
    found: list[tuple[BatchStats, Judgement]],
    stopped: list[tuple[str, int, str]],
    windows: Windows,
    as_of: datetime,
) -> Finding:
    start, end = windows.span(0)
    during = window_text(start, min(end, as_of))
    unusual = sorted(((b, j) for b, j in found if j.anomalies), key=lambda pair: -pair[1].anomalies[0].distance)
    judged = [j for _, j in found if j.reason is None]
    n = len(found) + len(stopped)
    finding = Finding(
        "signals.anomaly", "signals", signal.value, State.OK, "", len(unusual) + len(stopped), n=n, window_start=start, window_end=end
    )  # fmt: skip
    if stopped:
        name, rows, notes = stopped[0]
        sentence = (
            f"{len(stopped)} of {n} batches of {signal.value} were stopped, {during}: {name} ({rows:,} rows), {notes}."
        )
        return replace(finding, state=State.ALARM, sentence=sentence, source=source_family(name))
    if unusual:
        batch, judgement = unusual[0]
        state = State.ALARM if judgement.anomalies[0].distance >= FAR else State.WATCH
        said = "; ".join(anomaly.sentence for anomaly in judgement.anomalies[:3])
        more = f" and {len(judgement.anomalies) - 3} more" if len(judgement.anomalies) > 3 else ""
        sentence = f"{len(unusual)} of {n} batches of {signal.value} are unlike the earlier ones of their source, {during}: {batch.source}, {said}{more}."
        return replace(finding, state=state, sentence=sentence, source=source_family(batch.source))
    if judged:
        return replace(finding, sentence=f"{len(judged)} of {n} batches of {signal.value} are like the earlier ones of their source, {during}.")  # fmt: skip
    first = found[-1][1]
    # A history that came in one piece has no rhythm to be compared with.
    state = State.TOO_FEW if first.earlier else State.NOT_APPLICABLE
    return replace(finding, state=state, sentence=f"No batch of {signal.value} can be compared, {during}: {first.reason}.")  # fmt: skip
