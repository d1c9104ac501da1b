"""The guardrail after a release: a champion that proves worse than its predecessor is rolled back."""

from __future__ import annotations

from datetime import datetime

from loop_core.compare import compare
from loop_core.errors import NotReadyError
from loop_core.ledger import Entry
from loop_core.release.state import state
from loop_core.release.verbs import rollback
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop


def watch(loop: Loop, as_of: datetime, *, actor: str) -> Entry | None:
    """Compare the champion with its predecessor on rows predicted since its promotion; roll back when it is `worse`.

    Only overall goal and guardrail metrics decide. Rows must be mature, so a verdict takes at least as long as
    labels do. Returns the rollback's ledger entry, or None when nothing was done.
    """
    now = state(loop, as_of)
    if not loop.charter.rollout.auto_rollback or len(now.tenures) < 2 or now.tenures[0].how != "promoted":
        return None
    serving, before = now.tenures[0], now.tenures[1]
    try:
        card = compare(loop, serving.version, against=before.version, as_of=as_of, since=serving.since, record=False)
    except NotReadyError:
        return None
    worse = [
        cell for cell in card.cells if cell.cohort is None and cell.verdict is Verdict.WORSE and cell.block != "signal"
    ]
    if not worse:
        return None
    cell = worse[0]
    reason = (
        f"{cell.metric} worse than {before.version} by {-cell.difference:.4f}"
        f" [{-cell.ci_high:.4f}, {-cell.ci_low:.4f}] on {cell.n:,} rows since {serving.since:%Y-%m-%d}"
    )
    return rollback(loop, before.version, actor=actor, as_of=as_of, reason=reason)
