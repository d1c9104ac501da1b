"""The guardrail after a release: a champion that proves worse than its predecessor is rolled back."""

from __future__ import annotations

import math
from datetime import datetime

from loop_core.compare import Cell, compare, verdict
from loop_core.errors import IntegrityError, NotReadyError
from loop_core.figures import numbers_apart
from loop_core.ledger import Entry
from loop_core.models import train_end
from loop_core.release.state import state
from loop_core.release.verbs import rollback
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop

#: Chance that a champion as good as its predecessor is ever rolled back, however often one looks.
ALPHA = 0.05
#: Rows at which the confidence sequence is tightest.
TUNED_FOR = 1_000
#: Metrics that are means over rows, for which the sequence is valid.
MEANS = ("log_loss", "brier")


def watch(loop: Loop, as_of: datetime, *, actor: str) -> Entry | None:
    """Compare the champion with its predecessor on rows predicted since its promotion; roll back when it is worse.

    Looked at in every cycle, so the overall goal and guardrail means are judged by a confidence sequence, which is
    valid at every look, and not by the scorecard's interval, which is valid at one. Rows must be mature: a verdict
    takes at least as long as labels do. Returns the rollback's ledger entry, or None when nothing was done.
    """
    now = state(loop, as_of)
    if not loop.charter.rollout.auto_rollback or len(now.tenures) < 2 or now.tenures[0].how != "promoted":
        return None
    serving, before = now.tenures[0], now.tenures[1]
    # A model may be registered as having seen more than was there when it was released: those rows say nothing of it.
    seen = (train_end(loop, version) for version in (serving.version, before.version))
    since = max([serving.since, *(end for end in seen if end is not None)])
    try:
        card = compare(loop, serving.version, against=before.version, as_of=as_of, since=since, record=False)
    except (NotReadyError, IntegrityError):
        # A damaged package cannot be compared; the monitor's `service.model` says so and its remedy is proposed.
        return None
    watched = [c for c in card.cells if c.cohort is None and c.block != "signal" and c.metric in MEANS]
    # The scorecard's own rule, on the wider interval: what was let in as not worse is not undone for being so.
    worse = [cell for cell in watched if (ends := bounds(cell)) and verdict(*ends, cell.margin) is Verdict.WORSE]
    if not worse:
        return None
    cell = worse[0]
    loss, margin = numbers_apart(-(cell.difference or 0.0), cell.margin, digits=4)
    reason = (
        f"{cell.metric} worse than {before.version} by {loss}"
        f" (a margin of {margin} was allowed; valid at any time of looking) on {cell.n:,} rows since {serving.since:%Y-%m-%d}"
    )
    return rollback(loop, before.version, actor=actor, as_of=as_of, reason=reason)


def bounds(cell: Cell) -> tuple[float, float] | None:
    """The asymptotic confidence sequence of a cell's mean difference, at level 1 − `ALPHA`: its two ends.

    ±σ √( 2(nρ²+1) / (n²ρ²) · ln(√(nρ²+1) / α) ), Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, "Time-uniform
    central limit theory and asymptotic confidence sequences", eq. 7, with σ = se √n. None: the cell has no estimate.
    """
    if cell.difference is None or cell.se is None:
        return None
    sigma = cell.se * math.sqrt(cell.n)
    rho2 = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / TUNED_FOR
    spread = 2 * (cell.n * rho2 + 1) / (cell.n**2 * rho2) * math.log(math.sqrt(cell.n * rho2 + 1) / ALPHA)
    half = sigma * math.sqrt(spread)
    return cell.difference - half, cell.difference + half
