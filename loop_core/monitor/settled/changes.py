"""Which days have other predictions, or other statements about them, than they had."""

from __future__ import annotations

from loop_core.monitor.kept import kept_of
from loop_core.workspace import Loop

_DAY = "(epoch_us(predicted_at) // 86400000000)::integer"
_FEED = """select {what} from ducklake_table_insertions('lake', $schema, '{table}', $first::bigint, $last::bigint)
    union select {what} from ducklake_table_deletions('lake', $schema, '{table}', $first::bigint, $last::bigint)"""


def changed_days(loop: Loop, after: int, to: int) -> frozenset[int] | None:
    """Days since 1970 of predictions that came, went or changed in the snapshots (after, to], or of which something
    else was said. None: a snapshot expired and took its changes with it.

    Args:
        loop: the loop.
        after, to: snapshots.
    """
    if after >= to:
        return frozenset()
    there, predictions, outcomes = _touched(loop, after, to)
    if there < to - after:
        return None
    given = {"schema": loop.name, "first": after + 1, "last": to}
    found: set[int] = set()
    if predictions:
        found |= {row[0] for row in loop.lake.rows(_FEED.format(table="predictions", what=_DAY), given)}
    if outcomes:
        said = _FEED.format(table="outcomes", what="prediction_id")
        sql = f"select distinct {_DAY} from {loop.table('predictions')} where prediction_id in ({said})"
        found |= {row[0] for row in loop.lake.rows(sql, given)}
    return frozenset(found)


def _touched(loop: Loop, after: int, to: int) -> tuple[int, int, int]:
    """(snapshots that are there, of them those in which predictions changed, those in which outcomes did)."""
    ids: dict[str, list[str]] = kept_of(loop.lake).get(("tables", loop.name), lambda: _ids(loop))
    found: tuple[int, int, int] = loop.lake.rows(
        """select count(*), count(*) filter (list_has_any(flatten(map_values(changes)), $predictions)),
          count(*) filter (list_has_any(flatten(map_values(changes)), $outcomes))
        from ducklake_snapshots('lake') where snapshot_id > $after and snapshot_id <= $to""",
        {"after": after, "to": to, **ids},
    )[0]
    return found


def _ids(loop: Loop) -> dict[str, list[str]]:
    """The numbers by which the catalogue speaks of the two tables, in any loop."""
    rows = loop.lake.rows("select table_name, table_id::varchar from ducklake_table_info('lake')")
    return {table: [id for name, id in rows if name == table] for table in ("predictions", "outcomes")}
