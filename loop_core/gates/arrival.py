"""When a batch arrives, in its loop's own time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.gates.typed import typed_query
from loop_core.lake.activity import Activity
from loop_core.lake.files import opened
from loop_core.lake.tables import EVENT_TIME, quoted
from loop_core.lake.times import happened
from loop_core.signals.source import Source
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: Rows after a long pause that are fewer than this share of a usual window of their batch are strays.
_SHARE = 0.25


def arrival(loop: Loop, signal: Signal, source: Source, wall: datetime) -> datetime:
    """The instant of arrival of a batch that nobody dates: rows that happened later are not let in.

    On the wall clock it is `wall`. Where a loop replays the past it is the newest thing seen, this batch included: its
    present, or the end of the batch's newest day where that is later; never later than `wall`. A few rows long after all
    others of the batch do not count (`Activity.span`), so one row of another year opens no door.

    Args:
        loop: the loop.
        signal: what the rows are.
        source: from `read_source`; read once more than `ingest` does, where the loop replays the past.
        wall: the wall clock's UTC instant.

    Raises:
        SourceError: the source cannot be used, as `ingest` would say.
    """
    if loop.charter.loop.clock == "wall":
        return wall
    span = _days(loop, signal, source, wall).span(loop.charter.monitor.window_days, loop.pause_days, _SHARE)
    return max(loop.present(wall), min(span[1], wall)) if span else loop.present(wall)


def _days(loop: Loop, signal: Signal, source: Source, wall: datetime) -> Activity:
    """The days of a batch's rows that had happened by `wall`."""
    query, time = typed_query(loop.charter, signal, source.columns), quoted(EVENT_TIME[signal])
    sql = f"""select epoch_us({time}) // 86400000000 as day, count(*) as n from ({query.sql})
        where {happened(time)} and {time} <= $wall group by day"""
    with opened(source.relation) as reader:
        found = [
            pair
            for batch in reader.batches(sql, source.chunk_rows, {**query.parameters, "wall": wall})
            for pair in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]
    return Activity.of(found)
