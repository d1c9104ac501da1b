"""Findings in the lake: one set per instant; looking again at the same instant replaces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from loop_core.frames import to_frame
from loop_core.labels import read_at
from loop_core.lake import Transaction
from loop_core.monitor.finding import STAGES, Finding
from loop_core.vocabulary import State
from loop_core.workspace import Loop

_FIELDS = ", ".join(field.name for field in fields(Finding))


def record_findings(loop: Loop, as_of: datetime, findings: Sequence[Finding], *, actor: str) -> None:
    """Keep what the monitor said as of an instant, in place of what it said of the same instant before."""
    frame = to_frame(findings) if findings else None

    def write(tx: Transaction) -> None:
        tx.execute(f"delete from {loop.table('findings')} where as_of = $as_of", {"as_of": as_of})
        if frame is not None:
            tx.register("found", frame)
            tx.execute(
                f"insert into {loop.table('findings')} by name select $as_of::timestamptz as as_of, {_FIELDS} from found",
                {"as_of": as_of},
            )

    loop.lake.write(write, actor=actor, message=f"findings as of {as_of:%Y-%m-%d}")


def findings_at(loop: Loop, as_of: datetime) -> list[Finding]:
    """The newest recorded set at or before an instant, in pipeline order; empty: none was recorded."""
    rows = read_at(loop, as_of).rows(
        f"select {_FIELDS} from findings where as_of = (select max(as_of) from findings where as_of <= $as_of)"
    )
    found = [_finding(*row) for row in rows]
    return sorted(found, key=lambda f: (STAGES.index(f.stage), f.code, f.subject))


def standing_since(loop: Loop, as_of: datetime) -> dict[tuple[str, ...], datetime]:
    """`Finding.key` → the first of the recorded instants in a row at which it had the state it has at `as_of`."""
    reading = read_at(loop, as_of).with_views(
        told=f"select {_KEY}, state, as_of from findings where as_of <= $as_of",
        newest="select * from told where as_of = (select max(as_of) from told)",
        changed=f"select {_KEY_NAMES}, max(told.as_of) as changed_at from told join newest using ({_KEY_NAMES})"
        " where told.state <> newest.state group by all",
    )
    rows = reading.rows(
        f"select {_KEY_NAMES}, min(told.as_of) from told join newest using ({_KEY_NAMES})"
        f" left join changed using ({_KEY_NAMES})"
        " where changed_at is null or told.as_of > changed_at group by all"
    )
    return {tuple(key): since.astimezone(UTC) for *key, since in rows}


_KEY_NAMES = "code, subject, cohort, cohort_value, source"
_KEY = (
    "code, subject, coalesce(cohort, '') as cohort, coalesce(cohort_value, '') as cohort_value,"
    " coalesce(source, '') as source"
)


def _finding(*row: object) -> Finding:
    values = [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]
    values[3] = State(str(values[3]))
    return Finding(*values)  # type: ignore[arg-type]
