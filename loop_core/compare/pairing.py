"""The rows on which two models may be compared: mature, labelled, scored by both, and seen by neither in training."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.compare.metrics import Pairs
from loop_core.compare.scores import score_names, scored_batches
from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import known_at, mature_shares
from loop_core.lake import Reading, quoted
from loop_core.monitor.groups import Floats, scores_of
from loop_core.monitor.units import Units
from loop_core.vocabulary import Task
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
    unknown: frozenset[str]
    """Versions that do not say what they were trained on."""
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
    ids: npt.NDArray[np.uint64]
    """(n,) 64-bit hash of each row's prediction id, as DuckDB makes it, rising: by it a row is found again."""


def paired_rows(
    loop: Loop,
    champion: str,
    challenger: str,
    as_of: datetime,
    *,
    since: datetime | None = None,
    snapshot: int | None = None,
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
    span = unseen_span(loop, champion, challenger, as_of, since, snapshot)
    reading = known_at(loop, as_of, snapshot, since=span.start)
    rows = _rows(loop, reading, span, {"champion_": champion, "challenger_": challenger})
    frame = rows.drop_nulls([*score_names(loop, "champion_"), *score_names(loop, "challenger_")])
    if not frame.height:
        raise NotReadyError(
            f"{champion} and {challenger} have no scored rows in common among {rows.height:,} mature rows ({span.proof})",
            "rows that both models scored",
            "log the missing scores, or compare a model that can score",
        )
    # Always in the same order, so that the same rows give the same sums to the last bit.
    frame = frame.sort("order_")
    groups = frame.select([c.name for c in loop.charter.cohorts])
    ids = frame["order_"].to_numpy()
    return Comparison(_pairs(loop, frame), groups, span, _days(frame), rows.height - frame.height, ids)


# Ids are compared with one another and never shown, so 64 bits of each will do: they sort and group in half the time.
_SELECTED = "hash(r.prediction_id) as order_, case when r.entity_id is not null then hash(r.entity_id) end as entity_, r.predicted_at as when_, r.label as label_"


def _rows(loop: Loop, reading: Reading, span: Span, versions: dict[str, str]) -> pl.DataFrame:
    """The labelled rows of the span with both scores, null where there is none."""
    import polars as pl

    cohorts = "".join(f", r.{quoted('cohort_' + c.name)} as {quoted(c.name)}" for c in loop.charter.cohorts)
    where = "label is not null and predicted_at >= $first and predicted_at < $last"
    found = list(scored_batches(loop, reading, versions, _SELECTED + cohorts, where, first=span.start, last=span.end))
    names = [column for name in versions for column in score_names(loop, name)]
    return pl.concat(found) if found else pl.DataFrame(schema=names)


def unseen_span(
    loop: Loop, champion: str, challenger: str, as_of: datetime, since: datetime | None, snapshot: int | None = None
) -> Span:
    """From the later end of training of the two, to the last window before the labels are still coming in."""
    ends = {version: train_end(loop, version) for version in (champion, challenger)}
    for version, end in ends.items():
        if end is not None and end > as_of:
            raise RefusedError(
                f"{version} was trained on rows up to {end:%Y-%m-%d %H:%M}, and the comparison is as of {as_of:%Y-%m-%d}",
                "a comparison on rows that neither model has seen",
                "compare as of a later date",
            )
    known = [end for end in (*ends.values(), since) if end is not None]
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    start = max(known) if known else windows.start(None)
    proof = _proof(ends)
    first, last = _mature_span(loop, as_of, windows, start, snapshot, proof)
    unknown = frozenset(version for version, end in ends.items() if end is None)
    return Span(max(start, first), min(last, as_of), unknown, proof)


def train_end(loop: Loop, version: str) -> datetime | None:
    """First instant that a registered model certainly did not see; None: unknown (external models may not say)."""
    from loop_core.models import manifest_of

    return manifest_of(loop, version).train_end


def _proof(ends: dict[str, datetime | None]) -> str:
    said = [
        f"{v} saw nothing from {e:%Y-%m-%d} on" if e else f"{v} does not say what it was trained on"
        for v, e in ends.items()
    ]
    return "; ".join(said)


def _mature_span(
    loop: Loop, as_of: datetime, windows: Windows, start: datetime, snapshot: int | None, proof: str
) -> tuple[datetime, datetime]:
    """From the first window with rows to the first whose labels are still coming in, unevenly, and would mislead."""
    needed = loop.charter.labels.min_mature_share
    found = mature_shares(loop, as_of, windows, start, snapshot)
    mature = list(itertools.takewhile(lambda row: row[1] >= needed, found))
    if not mature:
        raise NotReadyError(
            f"No window of predictions from {start:%Y-%m-%d} on is mature as of {as_of:%Y-%m-%d} ({proof})",
            f"a window with {needed:.0%} of its labels known, or past their horizon of {loop.charter.labels.horizon_days:g} days",
            "wait for labels, or compare as of a later date",
        )
    return windows.span(mature[0][0])[0], windows.span(mature[-1][0])[1]


def _days(frame: pl.DataFrame) -> float:
    moments = frame["when_"].dt.epoch("us").to_numpy()
    # A single moment is no rate; an hour is the least that stands for one.
    return max(float(moments.max() - moments.min()) / 86_400e6, 1 / 24)


def _pairs(loop: Loop, frame: pl.DataFrame) -> Pairs:
    labels, units = frame["label_"].cast(float).to_numpy(), Units.of(frame["entity_"], frame.height)
    return Pairs(labels, _scores(loop, frame, "champion"), _scores(loop, frame, "challenger"), units)


def _scores(loop: Loop, frame: pl.DataFrame, name: str) -> Floats:
    """(n,) scores of one of the two, (n, n_classes) of several classes."""
    import polars as pl

    found = scores_of(frame.cast({pl.selectors.numeric(): pl.Float64}), score_names(loop, f"{name}_"))
    if loop.charter.loop.task is Task.REGRESSION:
        outside, wanted = ~np.isfinite(found), "numbers"
    else:
        outside, wanted = (found < 0) | (found > 1), "probabilities"
    if outside.any():
        raise RefusedError(
            f"{int(np.count_nonzero(outside)):,} scores of the {name} are no {wanted}"
            + (", they lie outside [0, 1]" if wanted == "probabilities" else ""),
            wanted,
            "correct them at their source",
        )
    return found
