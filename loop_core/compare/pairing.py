"""The rows on which two models may be compared: mature, labelled, scored by both, and seen by neither in training."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.compare.metrics import Pairs
from loop_core.compare.scores import score_rows
from loop_core.compare.units import Units
from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import known_at
from loop_core.lake import Reading, quoted
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Span:
    """The time between which rows were predicted that neither model has seen, and why."""

    start: datetime
    """First instant, inclusive."""
    end: datetime
    """Last instant, exclusive: later windows still wait for labels."""
    proof: str
    """One sentence: which training end rules out what."""


@dataclass(frozen=True)
class Comparison:
    """The paired rows, and the groups they fall into."""

    pairs: Pairs
    cohorts: pl.DataFrame
    """(n,) one text column per declared cohort, named as in the charter."""
    span: Span
    days: float
    """Days between the first and the last of them: what rates per week are told by."""
    unscored: int
    """Mature labelled rows of the span that one of the two has no score for; they are left out."""


def paired_rows(
    loop: Loop, champion: str, challenger: str, as_of: datetime, *, since: datetime | None = None, snapshot: int | None = None
) -> Comparison:
    """Both models on the same rows.

    Args:
        champion, challenger: registered versions.
        as_of: UTC instant; labels known later are not used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read; None: the newest.

    Raises:
        UnknownNameError: a version is not registered.
        RefusedError: a model was trained on rows later than `as_of`.
        NotReadyError: no common mature rows; the message says what is missing.
    """
    reading = known_at(loop, as_of, snapshot)
    span = unseen_span(loop, reading, champion, challenger, since)
    where = "label is not null and predicted_at >= $first and predicted_at < $last"
    bounds = {"first": span.start, "last": span.end}
    cohorts = "".join(f", {quoted('cohort_' + c.name)} as {quoted(c.name)}" for c in loop.charter.cohorts)
    # Sorted by id, so that the same rows give the same sums to the last bit.
    rows = reading.frame(f"select prediction_id as id_, entity_id as entity_, predicted_at as when_, label as label_{cohorts} from rows where {where}", **bounds)
    frame = rows
    for name, version in (("champion_", champion), ("challenger_", challenger)):
        scored = score_rows(loop, reading, version, where, **bounds)
        frame = frame.join(scored.rename({"prediction_id": "id_", "score": name}), on="id_", how="inner")
    if not frame.height:
        raise NotReadyError(
            f"{champion} and {challenger} have no scored rows in common among {rows.height:,} mature rows ({span.proof})",
            "rows that both models scored", "log the missing scores, or compare a model that can score",
        )
    frame = frame.sort("id_")
    groups = frame.select([c.name for c in loop.charter.cohorts])
    return Comparison(_pairs(frame), groups, span, _days(frame), rows.height - frame.height)


def unseen_span(loop: Loop, reading: Reading, champion: str, challenger: str, since: datetime | None) -> Span:
    """From the later end of training of the two, to the last window before the labels are still coming in."""
    ends = {version: train_end(loop, version) for version in (champion, challenger)}
    for version, end in ends.items():
        if end is not None and end > reading.as_of:
            raise RefusedError(
                f"{version} was trained on rows up to {end:%Y-%m-%d %H:%M}, and the comparison is as of {reading.as_of:%Y-%m-%d}",
                "a comparison on rows that neither model has seen", "compare as of a later date",
            )
    known = [end for end in (*ends.values(), since) if end is not None]
    windows = Windows.at(reading.as_of, loop.charter.monitor.window_days)
    start = max(known) if known else windows.start(None)
    proof = _proof(ends)
    first, last = _mature_span(loop, reading, windows, start, proof)
    return Span(max(start, first), min(last, reading.as_of), proof)


def train_end(loop: Loop, version: str) -> datetime | None:
    """First instant that a registered model certainly did not see; None: unknown (external models may not say)."""
    from loop_core.models import manifest_of

    return manifest_of(loop, version).train_end


def _proof(ends: dict[str, datetime | None]) -> str:
    said = [f"{v} saw nothing from {e:%Y-%m-%d} on" if e else f"{v} does not say what it was trained on" for v, e in ends.items()]
    return "; ".join(said)


_MATURITY = "select {window} as w, avg(mature::int) from rows where predicted_at >= $first group by w order by w"


def _mature_span(loop: Loop, reading: Reading, windows: Windows, start: datetime, proof: str) -> tuple[datetime, datetime]:
    """From the first window with rows to the first whose labels are still coming in, unevenly, and would mislead."""
    needed = loop.charter.labels.min_mature_share
    found = reading.rows(_MATURITY.format(window=windows.sql("predicted_at")), first=start, **windows.parameters())
    mature = list(itertools.takewhile(lambda row: row[1] >= needed, found))
    if not mature:
        raise NotReadyError(
            f"No window of predictions from {start:%Y-%m-%d} on is mature as of {reading.as_of:%Y-%m-%d} ({proof})",
            f"a window with {needed:.0%} of its labels known, or past their horizon of {loop.charter.labels.horizon_days:g} days",
            "wait for labels, or compare as of a later date",
        )
    return windows.span(mature[0][0])[0], windows.span(mature[-1][0])[1]


def _days(frame: pl.DataFrame) -> float:
    moments = frame["when_"].dt.epoch("us").to_numpy()
    # A single moment is no rate; an hour is the least that stands for one.
    return max(float(moments.max() - moments.min()) / 86_400e6, 1 / 24)


def _pairs(frame: pl.DataFrame) -> Pairs:
    columns = [frame[name].cast(float).to_numpy() for name in ("label_", "champion_", "challenger_")]
    for name, scores in zip(("champion", "challenger"), columns[1:], strict=True):
        outside = int(np.count_nonzero((scores < 0) | (scores > 1)))
        if outside:
            raise RefusedError(f"{outside:,} scores of the {name} lie outside [0, 1]", "probabilities", "correct them at their source")
    labels, champion, challenger = columns
    return Pairs(labels, champion, challenger, Units.of(frame["entity_"], frame.height))
