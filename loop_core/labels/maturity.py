"""The one place where label times are compared: which labels were known, which predictions are due, and which are mature.

A prediction is *due* when its label horizon has passed, and *mature* when it is due or its label is known. Labels of one
window arrive unevenly (an order that comes on time is known sooner than one that never comes), so a metric over the
labels that happened to arrive first is biased: windows wait until enough of their predictions are mature, and models are
trained and compared on predictions that are due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from loop_core.charter import Charter
from loop_core.lake import PublicReading, Reading
from loop_core.lake.tables import EVENT_TIME
from loop_core.vocabulary import Delivery, Signal
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Where two statements about one prediction share their instant, the later in this list wins.
SOURCES = ("observed", "correction", "annotation")

# Instant and source make one integer: comparing structs would take twice as long, and this runs over every outcome.
_LABELS = f"""
    select prediction_id, arg_max(label, rank) as label, arg_max(observed_at, rank) as observed_at, arg_max(source, rank) as source
    from (select *, epoch_us(observed_at) * {len(SOURCES) + 1} + coalesce(list_position({list(SOURCES)}, source), 0) as rank from outcomes)
    group by prediction_id"""


def known_at(
    loop: Loop,
    as_of: datetime,
    snapshot: int | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> PublicReading:
    """What people's own SQL may read: the views of `read_at`, through a door that lets one SELECT over them pass.

    Arguments as those of `read_at`. How long a query may run, and in how much memory, says the charter's `[queries]`.
    """
    reading = PublicReading.at(loop.lake, loop.charter, as_of, snapshot, since, until)
    reading = replace(reading, views={**reading.views, **_arrived(loop.charter, reading.views)})
    limits = loop.charter.queries
    return reading.with_core_views(**_views(loop.charter)).with_limits(limits.seconds, limits.memory_mb)


def read_at(
    loop: Loop,
    as_of: datetime,
    snapshot: int | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Reading:
    """The loop as it was known at `as_of`, for the core's own SQL, with two more views:

    - `labels(prediction_id, label, observed_at, source)`: the newest statement about each prediction;
    - `rows`: predictions with `label` (null while unknown), `observed_at` (null where nobody stated it), `mature`, `due_at`
      (when the horizon passes) and one text column `cohort_<name>` for each declared cohort. Where the charter's
      `labels.never` is `negative`, a prediction that is due and has no label has the label 0.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is visible.
        snapshot: lake snapshot to read; None: the newest.
        since: leave out predictions made before it, and with them what was known of outcomes before it: the gates
            turn away outcomes known before their prediction. Months of files need not be read then.
        until: leave out predictions made at or after it, and outcomes of others than those that are left, which may be
            known much later: fewer have to be put in order then.
    """
    reading = Reading.at(loop.lake, loop.charter, as_of, snapshot, since, until)
    return reading.with_views(**_views(loop.charter))


def _views(charter: Charter) -> dict[str, str]:
    return {"labels": _LABELS, "rows": _rows_sql(charter)}


def _arrived(charter: Charter, views: Mapping[str, str]) -> dict[str, str]:
    """What is no signal, cut at the instant too. Where the past is replayed, files arrive long after what they tell: there a
    score is known with its prediction, a batch with the first of its rows, and a row in quarantine at its own time."""
    times = {"findings": "as_of", "scores": "scored_at", "batches": "arrived_at", "quarantine": "arrived_at"}
    known = {name: f"{time} <= $as_of" for name, time in times.items()}
    if charter.loop.clock == "data":
        rows = " union ".join(f"select batch_id from {delivery.value}" for delivery in Delivery)
        moments = " ".join(
            f"when '{signal.value}' then try_cast(json_extract_string(row_json, '$.{EVENT_TIME[signal]}') as timestamptz)"
            for signal in Signal
        )
        known["scores"] = "prediction_id in (select prediction_id from predictions)"
        known["batches"] += f" or batch_id in ({rows})"
        known["quarantine"] += (
            f" or (batch_id in (select batch_id from batches) and coalesce(case signal {moments} end <= $as_of, true))"
        )
    return {name: f"{views[name]} where {test}" for name, test in known.items()}


def _rows_sql(charter: Charter) -> str:
    horizon = f"interval ({charter.labels.horizon_days * 86400:.0f}) second"
    label = "l.label"
    if charter.labels.never == "negative":
        label = f"coalesce(l.label, case when p.predicted_at + {horizon} <= $as_of then 0.0 end)"
    cohorts = "".join(f', {cohort.sql} as "cohort_{cohort.name}"' for cohort in charter.cohorts)
    return f"""
    select p.*, {label} as label, l.observed_at, p.predicted_at + {horizon} as due_at,
      l.label is not null or p.predicted_at + {horizon} <= $as_of as mature{cohorts}
    from predictions p left join labels l using (prediction_id)"""


_OVERDUE = "select {window} as w, 1.0 from predictions where predicted_at >= $first and predicted_at < $last group by w"
_WAITING = "select {window} as w, avg(mature::int) from rows where predicted_at >= $first group by w"


def mature_shares(
    loop: Loop, as_of: datetime, windows: Windows, first: datetime, snapshot: int | None = None
) -> list[tuple[int, float]]:
    """(window, share of its predictions that are mature), oldest first; a window without predictions is left out.

    Args:
        loop: the loop.
        as_of: UTC instant.
        windows: of time of prediction.
        first: only predictions made at or after it.
        snapshot: lake snapshot to read; None: the newest.
    """
    # Labels are looked up only where they can matter: windows past their horizon are mature whatever is known.
    horizon = timedelta(days=loop.charter.labels.horizon_days)
    recent = max(first, windows.span(windows.number(as_of - horizon))[0])
    reading, bound = read_at(loop, as_of, snapshot, since=recent), windows.parameters()
    window = windows.sql("predicted_at")
    overdue = read_at(loop, as_of, snapshot).rows(_OVERDUE.format(window=window), first=first, last=recent, **bound)
    waiting = reading.rows(_WAITING.format(window=window), first=recent, **bound)
    return sorted([*overdue, *waiting])
