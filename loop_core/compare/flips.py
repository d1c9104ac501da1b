"""Rows on which two models answer differently: which the challenger fixes, which it breaks, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from loop_core.compare.again import Again, rows_again
from loop_core.compare.flip_counts import FlipCount, flip_counts, right
from loop_core.compare.metrics.answers import answers
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.store import scorecard_of
from loop_core.errors import RefusedError
from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.monitor.losses import told
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import numpy.typing as npt

    from loop_core.charter import About, Charter
    from loop_core.compare.metrics import Pairs
    from loop_core.compare.scorecard import Scorecard
    from loop_core.workspace import Loop

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]

#: Rows given at most, unless more are asked for.
LIMIT = 200


@dataclass(frozen=True)
class Flip:
    """One row that the two models answer differently."""

    prediction_id: str
    predicted_at: datetime
    kind: Literal["fixed", "broken"]
    label: str
    """What came, in words."""
    champion_says: str
    """Its answer in words; the number it predicts."""
    challenger_says: str
    champion: float
    """Its score: the probability of yes, or of the class that came, or the number."""
    challenger: float
    columns: Mapping[str, Any]
    """Features and context of the row, as the charter names them."""


@dataclass(frozen=True)
class Flips:
    """Flips of one group, counted and shown, and counted for every other."""

    champion: str
    challenger: str
    as_of: datetime
    threshold: float | None
    """From this probability on the answer is yes; None: several classes, or numbers."""
    chosen: FlipCount
    """The group asked for."""
    rows: tuple[Flip, ...]
    """At most `limit`: those whose scores moved farthest, of each kind half where there are as many."""
    counts: tuple[FlipCount, ...]
    """Everybody, then every group, the one that loses most of its answers first."""
    left_out: int = 0
    """Rows of the comparison that a random sample drew and that are not due: each stands for several, and none is shown."""

    @property
    def note(self) -> str:
        """Which rows of the comparison are not looked at, in a sentence; empty: all are."""
        if not self.left_out:
            return ""
        return f"{self.left_out:,} rows of a random sample that are not due are left out: each stands for several."


def flips(
    loop: Loop, card: Scorecard | str, *, cohort: str | None = None, value: str | None = None, limit: int = LIMIT
) -> Flips:
    """Where the two models answer differently, at the charter's operating point (0.5 without costs), or by the most
    probable class; of numbers, which of the two is nearer to what came.

    The interval of the net share adds rows up within their entity, as that of accuracy does; the counts alone are
    McNemar's (1947).

    Args:
        loop: the loop.
        card: the comparison whose rows are looked at, or the id of a stored one.
        cohort, value: a group whose rows are given; None: everybody.
        limit: rows at most.

    Raises:
        UnknownNameError: a scorecard, cohort or value that is not there.
        NotReadyError: its rows are no longer there.
        RefusedError: a negative limit, or a first release.
    """
    if limit < 0:
        raise RefusedError(f"{limit} rows were asked for", "0 or more", "leave `limit` out")
    card = scorecard_of(loop, card)
    again = rows_again(loop, card)
    charter, pairs, inside = loop.charter, again.rows.pairs, again.places(cohort, value)
    rights = right(charter, pairs)
    counts = flip_counts(again, *rights, charter.loop.task)
    chosen = next(count for count in counts if cohort is None or (count.cohort, count.cohort_value) == (cohort, value))
    shown = _farthest(charter.loop.task, pairs, *rights, inside, limit)
    return Flips(
        champion=again.champion,
        challenger=again.challenger,
        as_of=card.as_of,
        threshold=charter.operating_point if charter.loop.task is Task.BINARY else None,
        chosen=chosen,
        rows=_rows(loop, card.as_of, again, shown, *rights),
        counts=counts,
        left_out=max(card.n - len(pairs), 0) if charter.labels.sampled else 0,
    )


def _farthest(task: Task, pairs: Pairs, first: Floats, second: Floats, inside: Places, limit: int) -> Places:
    """Places of the flips whose scores moved farthest: half of them broken, half fixed, where there are as many."""
    moved = np.abs(second - first)[inside] if task is Task.REGRESSION else _moved(pairs, inside)
    change = np.sign(second - first)[inside]
    order = np.argsort(-moved, kind="stable")
    broken, fixed = (inside[order[change[order] == sign]] for sign in (-1, 1))
    kept = max(limit - limit // 2, limit - len(fixed))
    broken = broken[:kept]
    return np.concatenate([broken, fixed[: limit - len(broken)]])


def _moved(pairs: Pairs, inside: Places) -> Floats:
    """(m,) by how much the probability of what came differs."""
    labels = pairs.labels[inside]
    return np.abs(told(labels, pairs.challenger[inside]) - told(labels, pairs.champion[inside]))


def _rows(loop: Loop, as_of: datetime, again: Again, shown: Places, first: Floats, second: Floats) -> tuple[Flip, ...]:
    charter = loop.charter
    names = [column.name for column in charter.columns]
    sql = (
        f"select hash(prediction_id) as id_, prediction_id, predicted_at, {', '.join(map(quoted, names))} from predictions"
        " where predicted_at >= $first and predicted_at < $last and hash(prediction_id) in (select unnest($ids::ubigint[]))"
    )
    reading, span = read_at(loop, as_of, again.snapshot), again.rows.span
    ids = [int(one) for one in again.rows.ids[shown]]
    found = {row[0]: row[1:] for row in reading.rows(sql, ids=ids, first=span.start, last=span.end)} if ids else {}
    return tuple(
        _flip(charter, again.rows.pairs, int(place), second[place] > first[place], found[key], names)
        for key, place in zip(ids, shown, strict=True)
    )


def _flip(charter: Charter, pairs: Pairs, place: int, fixed: bool, row: tuple[Any, ...], names: list[str]) -> Flip:
    label, about = float(pairs.labels[place]), charter.loop
    scores = [one[place : place + 1] for one in (pairs.champion, pairs.challenger)]
    values = [float(s[0, int(label)]) if s.ndim == 2 else float(s[0]) for s in scores]
    said = [_said(about, charter, s) for s in scores]
    return Flip(
        prediction_id=row[0],
        predicted_at=row[1].astimezone(UTC),
        kind="fixed" if fixed else "broken",
        label=about.label_word(label),
        champion_says=said[0],
        challenger_says=said[1],
        champion=values[0],
        challenger=values[1],
        columns=dict(zip(names, row[2:], strict=True)),
    )


def _said(about: About, charter: Charter, scores: Floats) -> str:
    if about.task is Task.REGRESSION:
        return about.label_word(float(scores[0]))
    return about.label_word(float(answers(scores, Terms.of(charter, "accuracy"))[0]))
