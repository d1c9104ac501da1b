"""A scorecard is a stored result: what has changed since it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loop_core.compare.scorecard import Scorecard
from loop_core.compare.span import unseen_span
from loop_core.compare.store import load_scorecard
from loop_core.errors import LoopbenchError
from loop_core.lake import Reading
from loop_core.workspace import Loop

_COMPARED = "select prediction_id from predictions where predicted_at >= $first and predicted_at < $last"
_STATEMENTS = """
    select (select count(*) from these),
      (select count(*) from outcomes where prediction_id in (select prediction_id from these))"""
#: Scores may take one another's place: their number tells nothing.
_SAID = """select prediction_id, model_version, score from {scores} where model_version in ($champion, $challenger)
    and prediction_id in (select prediction_id from these)"""
_ALIKE = "select (select {sum} from ({then})) is not distinct from (select {sum} from ({now}))"
_SUM = "[bit_xor(hash(prediction_id, model_version, score)), count(*)]"
_OTHER = """select count(distinct struct_pack(prediction_id, model_version))
    from ((({now}) except all ({then})) union all (({then}) except all ({now})))"""


@dataclass(frozen=True)
class Since:
    """Why a comparison made again might say something else. Nothing: it would say the same."""

    charter: bool
    """The charter is another one."""
    champion: str | None
    """Who serves now, where it is another model; None: the same."""
    due_days: float
    """Days of predictions that have come to be due since; 0: none."""
    statements: int
    """Predictions, outcomes and scores of the compared span that came or were corrected since."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What changed, a clause each; empty: nothing."""
        return tuple(self._said())

    def _said(self) -> Iterator[str]:
        if self.charter:
            yield "the charter changed"
        if self.champion is not None:
            yield f"{self.champion} serves now"
        if self.due_days > 0:
            yield f"{self.due_days:,.0f} more day{'' if round(self.due_days) == 1 else 's'} of predictions are due"
        if self.statements:
            yield f"{self.statements:,} predictions, outcomes or scores of the compared time came or were corrected"


def since_then(loop: Loop, as_of: datetime, *, scorecard: str) -> Since:
    """What changed between a stored comparison and `as_of`.

    Args:
        loop: the loop.
        as_of: UTC instant, at or after the comparison.
        scorecard: its id.

    Raises:
        UnknownNameError, IntegrityError: as `load_scorecard`.
    """
    card = load_scorecard(loop, scorecard)
    champion = loop.champion(as_of)
    return Since(
        charter=card.charter_hash != loop.charter.hash,
        champion=champion if champion != card.champion else None,
        due_days=_due_days(loop, card, as_of),
        statements=_statements(loop, card, as_of),
    )


def _due_days(loop: Loop, card: Scorecard, as_of: datetime) -> float:
    # Where nothing could be compared any more, nothing has come to be due either: comparing again says why.
    try:
        span = unseen_span(loop, [card.champion or card.challenger, card.challenger], as_of, None)
    except LoopbenchError:
        return 0.0
    return max(0.0, (span.end - card.window_end).total_seconds() / 86_400)


def _statements(loop: Loop, card: Scorecard, as_of: datetime) -> int:
    newest = loop.lake.snapshot()
    # Maintenance may have removed the snapshot; what was known then is all that can be set against now.
    then = card.snapshot if loop.lake.has_snapshot(card.snapshot) else newest
    if (then, card.as_of) == (newest, as_of):
        return 0
    span = {"first": card.window_start, "last": card.window_end}
    before, now = (
        Reading.at(loop.lake, loop.charter, moment, snapshot).with_views(these=_COMPARED).rows(_STATEMENTS, **span)[0]
        for moment, snapshot in ((card.as_of, then), (as_of, newest))
    )
    counts: int = sum(abs(new - old) for old, new in zip(before, now, strict=True))
    return counts + _other_scores(loop, card, then, as_of)


def _other_scores(loop: Loop, card: Scorecard, then: int, as_of: datetime) -> int:
    """Scores of the two models that came, went or were replaced since a snapshot."""
    span = {"first": card.window_start, "last": card.window_end}
    bound = {**span, "champion": card.champion or card.challenger, "challenger": card.challenger}
    older = f"{loop.table('scores')} at (version => {int(then)})"
    reading = Reading.at(loop.lake, loop.charter, as_of).with_views(these=_COMPARED)
    said = {"then": _SAID.format(scores=older), "now": _SAID.format(scores="scores")}
    if reading.rows(_ALIKE.format(sum=_SUM, **said), **bound)[0][0]:
        return 0
    return int(reading.rows(_OTHER.format(**said), **bound)[0][0])
