"""Scores that came in without a model's name, and get it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import NotReadyError, RefusedError, following

if TYPE_CHECKING:
    from loop_core.ledger import Entry
    from loop_core.workspace import Loop

#: Kind of the entry that says which model gave scores that came in without a name.
NAMED = "scores.named"
_UNNAMED = "score is not null and model_version is null"


def name_scores(loop: Loop, version: str, *, actor: str, as_of: datetime, reason: str, batch: str | None = None) -> int:
    """Say which model gave the scores that came in without a version. A second time there is nothing left to name.

    Args:
        loop: the loop.
        version: the model's name.
        actor: who says so.
        as_of: UTC instant in the loop's time.
        reason: how it is known; for the record.
        batch: only scores of the batch whose id begins so; None: all that have no version.

    Returns:
        Predictions whose scores have a name now.

    Raises:
        RefusedError: no name or no reason.
        NotReadyError: no score is without a version.
    """
    if not version.strip() or not reason.strip():
        raise RefusedError("Scores are named with a model version and a reason", todo="give both; they go on record")
    with loop.ledger.transaction() as record:
        finish_namings(loop)
        found = loop.lake.rows(
            f"""select coalesce(batch_id, ''), count(*) from {loop.table("predictions")}
            where {_UNNAMED} and ($batch is null or starts_with(batch_id, $batch)) group by 1 order by 1""",
            {"batch": batch},
        )
        n = sum(int(rows) for _, rows in found)
        if not n:
            raise NotReadyError(f"No score of {loop.name} is without a model version", todo="nothing is left to name")
        entry = record.append(
            kind=NAMED,
            loop=loop.name,
            subject=version,
            actor=actor,
            as_of=as_of,
            reason=reason,
            payload={"rows": n, "batch": batch, "batches": [batch_id for batch_id, _ in found]},
        )
    # The entry is the commit point: what it says is done here, or by whatever runs next after a kill.
    with following(f"It is on record that {n:,} scores are {version}'s", "the next ingest writes the name to them"):
        _write_name(loop, entry)
    return n


def finish_namings(loop: Loop) -> None:
    """Write the names that are on record to scores that still lack them, because the naming was killed."""
    entries = [entry for entry in loop.entries(NAMED) if "batches" in entry.payload]
    if entries and loop.lake.rows(f"select 1 from {loop.table('predictions')} where {_UNNAMED} limit 1"):
        for entry in entries:
            _write_name(loop, entry)


def _write_name(loop: Loop, entry: Entry) -> None:
    """Only scores of the batches that the entry names: what came in since is not what somebody looked at."""
    where = f"{_UNNAMED} and list_contains($batches, coalesce(batch_id, ''))"
    table, of_entry = loop.table("predictions"), {"batches": entry.payload["batches"]}
    if not loop.lake.rows(f"select 1 from {table} where {where} limit 1", of_entry):
        return
    answered = "route = case route when 'history' then 'champion' else route end"
    sql = f"update {table} set model_version = $version, {answered} where {where}"
    bound = {**of_entry, "version": entry.subject}
    loop.lake.write(lambda tx: tx.execute(sql, bound), actor=entry.actor, message=f"scores named {entry.subject}")
