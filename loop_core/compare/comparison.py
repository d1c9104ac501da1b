"""Champion against challenger: pair, estimate, judge, say, store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from loop_core.compare.badge import badge
from loop_core.compare.cells import all_cells, dated
from loop_core.compare.fairness import fairness
from loop_core.compare.first import first_card
from loop_core.compare.further_gates import fairness_gates
from loop_core.compare.gates import evaluate_gates
from loop_core.compare.groups import groupings as groupings_of
from loop_core.compare.pairing import Comparison, paired_rows
from loop_core.compare.scorecard import Scorecard
from loop_core.compare.sentence import sentence
from loop_core.compare.service import service_cells
from loop_core.compare.simpson import reversals
from loop_core.compare.slices import bounded_slices, find_slices, searched_columns, slice_gates, slice_notes
from loop_core.compare.soundness import soundness
from loop_core.compare.store import identified, save_scorecard
from loop_core.errors import RefusedError
from loop_core.workspace import Loop


def compare(
    loop: Loop,
    challenger: str,
    *,
    against: str | None = None,
    as_of: datetime,
    actor: str | None = None,
    since: datetime | None = None,
    record: bool = True,
) -> Scorecard:
    """May this model replace that one, for everybody?

    Args:
        loop: the loop.
        challenger: registered version that wants to serve.
        against: version it is compared with; None: the champion, or where nothing serves nobody: a first release.
        as_of: UTC instant; nothing known later is used.
        actor: who asks; needed to record.
        since: only rows predicted at or after this.
        record: store the scorecard and write `comparison.made` to the ledger.

    Raises:
        UnknownNameError: a version is not registered.
        NotReadyError: no common rows that are due and that neither has seen.
        RefusedError: a model was trained on rows later than `as_of`; or recording without an actor.
    """
    if record and not actor:
        raise RefusedError(
            "A comparison to be recorded without an actor", "who asks for it", "give `actor`, or record=False"
        )
    champion = against or loop.champion(as_of)
    snapshot = loop.lake.snapshot()
    if champion is None:
        sound = soundness(loop, challenger, None, as_of, snapshot=snapshot)
        first = first_card(loop, challenger, as_of, since=since, snapshot=snapshot, further=sound.gates)
        card = identified(replace(first, mutations=sound.mutations, contract=sound.contract))
    else:
        columns = searched_columns(loop.charter)
        rows = paired_rows(
            loop, champion, challenger, as_of, since=since, snapshot=snapshot, columns=columns, sampled=True
        )
        card = identified(_scorecard(loop, champion, challenger, as_of, rows, snapshot))
    if record and actor:
        save_scorecard(loop, card, actor=actor)
    return card


def _scorecard(
    loop: Loop, champion: str, challenger: str, as_of: datetime, rows: Comparison, snapshot: int
) -> Scorecard:
    judged, due = rows.judged, len(rows.pairs) > 0
    groupings = groupings_of(loop.charter, judged.cohorts, len(judged.pairs))
    service = service_cells(loop, champion, challenger, as_of, rows.span, loop.charter.metrics, snapshot)
    cells = dated((*all_cells(loop.charter, judged.pairs, groupings), *service), judged.days, as_of)
    unproven = challenger if challenger in rows.span.unknown else None
    search = find_slices(loop.charter, rows) if due and loop.charter.compare.slices != "off" else None
    bounded = bounded_slices(loop.charter, rows) if due and loop.charter.compare.slices == "gate" else None
    asked = rows.open or rows
    fair, rates = fairness(loop.charter, asked.pairs, asked.cohorts) if due else ((), ())
    sound = soundness(loop, challenger, champion, as_of, snapshot=snapshot)
    further = (*slice_gates(loop.charter, search, bounded), *fairness_gates(fair), *sound.gates)
    gates = evaluate_gates(loop.charter, cells, judged.labelled, unproven, further=further)
    start, end = rows.span.start, rows.span.end
    return Scorecard(
        loop=loop.name,
        champion=champion,
        challenger=challenger,
        as_of=as_of,
        window_start=start,
        window_end=end,
        n=judged.labelled,
        cells=cells,
        badge=badge(cells, gates, judged.labelled, judged.days),
        sentence=sentence(cells, judged.days / 7),
        gates=gates,
        charter_hash=loop.charter.hash,
        snapshot=snapshot,
        proof=rows.span.proof,
        days=judged.days,
        notes=(*reversals(cells), *rows.notes, *slice_notes(loop.charter, search)),
        slices=search.slices if search else (),
        mutations=sound.mutations,
        contract=sound.contract,
        fairness=fair,
        fairness_rates=rates,
    )
