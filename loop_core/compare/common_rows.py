"""The rows that several models scored and none has seen in training, read from the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.compare.scores import score_names, scored_batches
from loop_core.compare.span import Span, unseen_span
from loop_core.compare.voices import spoken_cohorts
from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import read_at
from loop_core.lake import Reading, quoted
from loop_core.monitor.groups import Floats, scores_of
from loop_core.monitor.units import Units
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CommonRows:
    """Labelled rows, all of them due, that several models scored and none has seen."""

    frame: pl.DataFrame
    """(n, …) id, entity, moment, label, cohorts and scores, always in the same order."""
    versions: Mapping[str, str]
    """Name → model version, as asked."""
    reading: Reading
    """What they were read from."""
    span: Span
    unscored: int
    """Labelled rows of the span that one of them has no score for; they are left out."""
    repeated: int
    """Rows whose prediction id was there before; the earliest of each is kept."""
    unlabelled: int
    """Due rows that all of them scored and that no label came for."""
    every: pl.DataFrame
    """All rows that verdicts rest on: `frame`, or with those that no label came for and those of a random sample."""

    @property
    def whole(self) -> CommonRows:
        """The same of all rows that verdicts rest on; itself where these are no others."""
        return self if self.every is self.frame else replace(self, frame=self.every)

    @property
    def with_unlabelled(self) -> CommonRows:
        """The same with the due rows that no label came for, where any label is allowed for; itself where there are none."""
        if self.span.due is None:
            return self.whole
        frame = self.every.filter(self.every["when_"] < self.span.due)
        return self if frame.height == self.frame.height else replace(self, frame=frame, every=frame)

    @property
    def weights(self) -> Floats | None:
        """(n,) how many rows each stands for; None: each for itself."""
        weights = self.frame["weight_"].to_numpy() if "weight_" in self.frame.columns else np.ones(0)
        return weights if (weights != 1).any() else None

    @property
    def due(self) -> npt.NDArray[np.bool_] | None:
        """(n,) those that are due; the others are there because a sample drew them; None: all are due."""
        if self.span.due is None:
            return None
        return np.asarray((self.frame["when_"] < self.span.due).to_numpy())

    @property
    def labels(self) -> Floats:
        """(n,) NaN where there is none."""
        return self.frame["label_"].cast(float).fill_null(float("nan")).to_numpy()

    @property
    def units(self) -> Units:
        """Which rows belong together."""
        return Units.of(self.frame["entity_"], self.frame.height)

    @property
    def days(self) -> float:
        """Days between the first and the last of them that have a label: what a sample ends with may be of much later."""
        labelled = self.frame.drop_nulls("label_")
        if not labelled.height:
            return 1 / 24
        moments = labelled["when_"].dt.epoch("us").to_numpy()
        # A single moment is no rate; an hour is the least that stands for one.
        return max(float(moments.max() - moments.min()) / 86_400e6, 1 / 24)

    def cohorts(self, loop: Loop) -> pl.DataFrame:
        """(n,) one text column per declared cohort, then those that labels and voices make by themselves."""
        names, ids = [c.name for c in loop.charter.cohorts], self.frame["order_"].to_numpy()
        if not self.frame.height:
            return self.frame.select(names)
        spoken = spoken_cohorts(self.reading, ids, self.span.start, frozenset(names))
        return self.frame.select(names).with_columns(**spoken)

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """(n,) hash of the entity, or of the prediction where there is none."""
        return np.asarray(self.frame["entity_"].fill_null(self.frame["order_"]).to_numpy())

    def beside(self, columns: Sequence[str]) -> pl.DataFrame:
        """(n, …) columns of the charter that were asked for, under their own names."""
        return self.frame.select(self.frame[_COLUMN + name].alias(name) for name in columns)

    def scores(self, loop: Loop) -> dict[str, Floats]:
        """Name → its scores. Raises RefusedError where they are none."""
        return {name: _scores(loop, self.frame, name, version) for name, version in self.versions.items()}


def common_rows(
    loop: Loop,
    versions: Mapping[str, str],
    as_of: datetime,
    *,
    since: datetime | None = None,
    snapshot: int | None = None,
    columns: Sequence[str] = (),
    sampled: bool = False,
) -> CommonRows:
    """The rows on which all of these models may be compared; at least one.

    Args:
        versions: name, which scores are called by → registered version.
        as_of: UTC instant; labels known later are not used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read; None: the newest.
        columns: of the charter, to have beside.
        sampled: as `paired_rows`.

    Raises:
        As `paired_rows`.
    """
    import polars as pl

    models = list(dict.fromkeys(versions.values()))
    span = unseen_span(loop, models, as_of, since, snapshot, sampled=sampled)
    reading = read_at(loop, as_of, snapshot, since=span.start)
    rows = _rows(loop, reading, span, {f"{name}_": version for name, version in versions.items()}, columns)
    scored = rows.drop_nulls([column for name in versions for column in score_names(loop, f"{name}_")])
    labelled, frame = int(rows["label_"].is_not_null().sum()), scored.drop_nulls("label_")
    if not frame.height:
        raise NotReadyError(
            f"{' and '.join(models)} have no scored rows in common among {labelled:,} labelled rows that are due ({span.proof})",
            f"rows that {'both' if len(models) == 2 else 'all'} models scored",
            "log the missing scores, or compare a model that can score",
        )
    young = pl.lit(False) if span.due is None else pl.col("when_") >= span.due
    # What a sample ends with waits for its label, which is bounded, whatever a label counts as that never comes.
    bounded = loop.charter.labels.never == "bounded"
    every = _once(scored if bounded else scored.filter(pl.col("label_").is_not_null() | young))
    kept = every.drop_nulls("label_")
    repeated = frame.height - kept.height
    kept = kept.filter(~young)
    kept = every if kept.height == every.height else kept
    unlabelled = scored.filter(pl.col("never_") & ~young).height
    return CommonRows(kept, versions, reading, span, labelled - frame.height, repeated, unlabelled, every)


def _once(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows, each prediction once, always in the same order: so the same rows give the same sums to the last bit."""
    found = frame.sort("order_")
    ids = found["order_"].to_numpy()
    if not (ids[1:] == ids[:-1]).any():
        return found
    # Every column breaks ties, so that which of two rows of one moment is kept does not depend on how they were read.
    return frame.sort("order_", "when_", *(c for c in frame.columns if c not in ("order_", "when_"))).unique(
        "order_", keep="first", maintain_order=True
    )


# Ids are compared with one another and never shown, so 64 bits of each will do: they sort and group in half the time.
_SELECTED = "hash(r.prediction_id) as order_, case when r.entity_id is not null then hash(r.entity_id) end as entity_, r.predicted_at as when_, r.label as label_, r.observed_at is null as never_"


#: Before the columns asked for, so that none has the name of a cohort.
_COLUMN = "column_"


def _rows(
    loop: Loop, reading: Reading, span: Span, versions: dict[str, str], columns: Sequence[str] = ()
) -> pl.DataFrame:
    """The rows of the span with label and scores, null where there is none."""
    import polars as pl

    cohorts = "".join(f", r.{quoted('cohort_' + c.name)} as {quoted(c.name)}" for c in loop.charter.cohorts)
    cohorts += "".join(f", r.{quoted(name)} as {quoted(_COLUMN + name)}" for name in columns)
    where, bound = "predicted_at >= $first and predicted_at < $last", {"first": span.start, "last": span.end}
    if loop.charter.labels.sampled and span.sample is not None and span.due is not None:
        drawn = quoted(loop.charter.labels.sampled)
        condition, values = span.sample.condition(loop.charter.labels.sampled)
        where = f"predicted_at >= $first and (predicted_at < $due or {condition})"
        bound = {"first": span.start, "due": span.due, **values}
        cohorts += f", case when r.predicted_at < $due then 1.0 else 1.0 / r.{drawn} end as weight_"
    found = list(scored_batches(loop, reading, versions, _SELECTED + cohorts, where, **bound))
    names = [column for name in versions for column in score_names(loop, name)]
    return pl.concat(found) if found else pl.DataFrame(schema=names)


def _scores(loop: Loop, frame: pl.DataFrame, name: str, version: str) -> Floats:
    """(n,) scores of one of them, (n, n_classes) of several classes."""
    import polars as pl

    found = scores_of(frame.cast({pl.selectors.numeric(): pl.Float64}), score_names(loop, f"{name}_"))
    if loop.charter.loop.task is Task.REGRESSION:
        outside, wanted = ~np.isfinite(found), "numbers"
    else:
        outside, wanted = (found < 0) | (found > 1), "probabilities"
    if outside.any():
        raise RefusedError(
            f"{int(np.count_nonzero(outside)):,} scores of {_called(name, version)} are no {wanted}"
            + (", they lie outside [0, 1]" if wanted == "probabilities" else ""),
            wanted,
            "correct them at their source",
        )
    return found


def _called(name: str, version: str) -> str:
    return f"the {name} {version}" if name in ("champion", "challenger") else version
