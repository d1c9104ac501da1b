"""A first release: no model serves, so the one that wants to is shown alone, on rows it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from loop_core.compare.badge import FIRST
from loop_core.compare.cells import all_cells
from loop_core.compare.gates import first_gates
from loop_core.compare.groups import groupings
from loop_core.compare.metrics import words_of
from loop_core.compare.pairing import Comparison, left_out, paired_rows, unlabelled_note
from loop_core.compare.scorecard import Cell, GateResult, Scorecard
from loop_core.compare.service import service_cells
from loop_core.errors import NotReadyError
from loop_core.figures import numbers_apart
from loop_core.models import manifest_of
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop

#: Why no cell of such a scorecard has a difference.
ALONE = "no model serves that it could be compared with"


def first_card(
    loop: Loop,
    version: str,
    as_of: datetime,
    *,
    since: datetime | None = None,
    snapshot: int,
    further: Sequence[GateResult] = (),
) -> Scorecard:
    """The scorecard of a first release: the model's own values overall and by cohort, no difference and no verdict.

    A model trained up to the present has no mature row that it has not seen; then the card has no value at all and says so.

    Args:
        loop: without a champion.
        version: registered model that wants to serve.
        as_of: UTC instant; nothing known later is used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read.
        further: gates that need no champion.

    Raises:
        UnknownNameError: not registered.
        RefusedError: it was trained on rows later than `as_of`.
    """
    unproven = version if manifest_of(loop, version).train_end is None else None
    blank = Scorecard(
        loop=loop.name,
        champion=None,
        challenger=version,
        as_of=as_of,
        window_start=as_of,
        window_end=as_of,
        n=0,
        cells=(),
        badge="Do not ship" if any(gate.state == "blocked" for gate in further) else FIRST,
        sentence="",
        gates=first_gates(loop.charter, 0, unproven, further),
        charter_hash=loop.charter.hash,
        snapshot=snapshot,
        proof="",
    )
    try:
        rows = paired_rows(loop, version, version, as_of, since=since, snapshot=snapshot)
    except NotReadyError as error:
        said = f"No model serves yet, and {version} cannot be looked at on rows that it has not seen."
        return replace(blank, sentence=said, proof=error.given, notes=(str(error),))
    return _filled(loop, blank, rows, further)


def _filled(loop: Loop, blank: Scorecard, rows: Comparison, further: Sequence[GateResult]) -> Scorecard:
    groups = groupings(loop.charter, rows.cohorts, len(rows.pairs))
    version, metrics = blank.challenger, loop.charter.metrics
    service = service_cells(loop, version, version, blank.as_of, rows.span, metrics, blank.snapshot)
    cells = tuple(_alone(cell) for cell in (*all_cells(loop.charter, rows.pairs, groups), *service))
    unproven = blank.challenger if rows.span.unknown else None
    return replace(
        blank,
        window_start=rows.span.start,
        window_end=rows.span.end,
        n=len(rows.pairs),
        cells=cells,
        sentence=_sentence(blank.challenger, cells, len(rows.pairs), rows.days / 7),
        gates=first_gates(loop.charter, len(rows.pairs), unproven, further),
        proof=rows.span.proof,
        days=rows.days,
        notes=(
            *unlabelled_note(rows.unlabelled, len(rows.pairs), rows.never),
            *left_out(rows.unscored, rows.repeated, "it"),
        ),
    )


def _alone(cell: Cell) -> Cell:
    """What a model was found to be beside itself, as its value alone."""
    return replace(
        cell,
        champion=None,
        difference=None,
        ci_low=None,
        ci_high=None,
        se=None,
        shrunk=None,
        verdict=Verdict.NOT_APPLICABLE,
        rows_needed=None,
        method="",
        reason=ALONE if cell.challenger is not None else cell.reason,
    )


def _sentence(version: str, cells: Sequence[Cell], n: int, weeks: float) -> str:
    values = ", ".join(
        f"{words_of(cell.metric)} {numbers_apart(cell.challenger, digits=4 if abs(cell.challenger) < 1_000 else 0)[0]}"
        for cell in cells
        if cell.cohort is None and cell.challenger is not None
    )
    found = f"{values} on" if values else "nothing can be estimated on"
    return f"No model serves yet. {version}: {found} {n:,} rows that it has not seen, about {n / weeks:,.0f} predictions a week."
