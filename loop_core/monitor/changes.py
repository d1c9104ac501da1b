"""What came, went or changed in a loop between two snapshots of the lake."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from loop_core.monitor.kept import kept_of
from loop_core.workspace import Loop

_DAY = "(epoch_us(predicted_at) // 86400000000)::integer"
_FEED = """select {what} from ducklake_table_insertions('lake', $schema, '{table}', $first::bigint, $last::bigint)
    union select {what} from ducklake_table_deletions('lake', $schema, '{table}', $first::bigint, $last::bigint)"""


@dataclass(frozen=True)
class Changes:
    """What happened over some snapshots."""

    whole: bool
    """Whether every snapshot is there: an expired one took its changes with it."""
    predictions: bool
    """Whether predictions changed in one that is there."""
    outcomes: bool
    """Whether outcomes did."""
    feedback: bool
    """Whether feedback did."""
    since: bool
    """Whether the snapshot before them is there, to be read as it was."""

    @property
    def profiled(self) -> bool:
        """Whether rows changed that profiles count."""
        return self.predictions or self.feedback


def changes(loop: Loop, after: int, to: int) -> Changes:
    """The snapshots in (after, to]."""
    if after >= to:
        return Changes(True, False, False, False, True)
    found: Changes = kept_of(loop.lake).get(("changes", loop.name, after, to), lambda: _changes(loop, after, to))
    return found


def changed_days(loop: Loop, after: int, to: int) -> frozenset[int] | None:
    """Days since 1970 of predictions that came, went or changed in the snapshots (after, to], or of which something
    else was said. None: a snapshot expired and took its changes with it.

    Args:
        loop: the loop.
        after, to: snapshots.
    """
    if after >= to:
        return frozenset()
    found: frozenset[int] | None = kept_of(loop.lake).get(
        ("changed days", loop.name, after, to), lambda: _changed_days(loop, after, to)
    )
    return found


def note_changed_days(loop: Loop, after: int, to: int, days: Collection[int]) -> None:
    """What somebody found out who read all that changed in the snapshots (after, to]."""
    kept_of(loop.lake).put(("changed days", loop.name, after, to), frozenset(days))


def _changes(loop: Loop, after: int, to: int) -> Changes:
    ids: dict[str, list[str]] = kept_of(loop.lake).get(("tables", loop.name), lambda: _ids(loop))
    counts = ", ".join(f"count(*) filter (later and list_has_any(touched, ${name}))" for name in ids)
    since, there, predictions, outcomes, feedback = loop.lake.rows(
        f"""select count(*) filter (not later), count(*) filter (later), {counts}
        from (select snapshot_id > $after as later, flatten(map_values(changes)) as touched
          from ducklake_snapshots('lake') where snapshot_id >= $after and snapshot_id <= $to)""",
        {"after": after, "to": to, **ids},
    )[0]
    return Changes(there == to - after, predictions > 0, outcomes > 0, feedback > 0, since > 0)


def _ids(loop: Loop) -> dict[str, list[str]]:
    """The numbers by which the catalogue speaks of the tables, in any loop."""
    rows = loop.lake.rows("select table_name, table_id::varchar from ducklake_table_info('lake')")
    return {table: [id for name, id in rows if name == table] for table in ("predictions", "outcomes", "feedback")}


def _changed_days(loop: Loop, after: int, to: int) -> frozenset[int] | None:
    since = changes(loop, after, to)
    if not since.whole:
        return None
    given = {"schema": loop.name, "first": after + 1, "last": to}
    found: set[int | None] = set()
    if since.predictions:
        found |= {row[0] for row in loop.lake.rows(_FEED.format(table="predictions", what=_DAY), given)}
    if since.outcomes:
        said = _FEED.format(table="outcomes", what="prediction_id")
        sql = f"select distinct {_DAY} from {loop.table('predictions')} where prediction_id in ({said})"
        found |= {row[0] for row in loop.lake.rows(sql, given)}
    # A row without a day is one of no readable time, which nobody counts.
    return frozenset(day for day in found if day is not None)
