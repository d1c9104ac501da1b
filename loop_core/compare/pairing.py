"""The rows on which two models may be compared: due, labelled, scored by both, and seen by neither in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.compare.metrics import Pairs
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
class Comparison:
    """The paired rows, and the groups they fall into."""

    pairs: Pairs
    cohorts: pl.DataFrame
    """(n,) one text column per declared cohort, named as in the charter, and those of `spoken_cohorts`."""
    span: Span
    days: float
    """Days between the first and the last of them: what rates per week are told by."""
    unscored: int
    """Due labelled rows of the span that one of the two has no score for; they are left out."""
    ids: npt.NDArray[np.uint64]
    """(n,) 64-bit hash of each row's prediction id, as DuckDB makes it, rising: by it a row is found again."""
    keys: npt.NDArray[np.uint64]
    """(n,) likewise of its entity, or of the prediction where there is none: by it a row goes to one half or the other."""
    columns: pl.DataFrame | None = None
    """(n, …) the charter's columns that were asked for; None: none were."""
    repeated: int = 0
    """Rows whose prediction id was there before; the earliest of each is kept."""
    unlabelled: int = 0
    """Due rows that both scored and that no label came for; what they count as is `never` of the charter's `[labels]`."""
    never: str = "excluded"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, as a reader should know it."""
        share = unlabelled_note(self.unlabelled, len(self.pairs), self.never)
        return (*share, *left_out(self.unscored, self.repeated, "one of the two"))


def left_out(unscored: int, repeated: int, whom: str) -> tuple[str, ...]:
    """Which rows are missing from a comparison, and why, in words."""
    said = []
    if unscored:
        said.append(f"{unscored:,} labelled rows have no score of {whom} and were left out.")
    if repeated:
        said.append(f"{repeated:,} rows repeat the prediction id of an earlier one and were left out.")
    return tuple(said)


def unlabelled_note(unlabelled: int, n: int, never: str) -> tuple[str, ...]:
    """The share of the rows that are due and have no label, and what they count as, in words; empty: every row has one.

    Args:
        unlabelled: due rows without label.
        n: rows that were compared; where the unlabelled count as something, they are among them.
        never: `excluded` or `negative`, see the charter's `[labels]`.
    """
    if not unlabelled:
        return ()
    total = n if never == "negative" else n + unlabelled
    counted = {
        "excluded": "they were left out",
        "negative": "they count as no",
    }
    share = unlabelled / total
    said = f"{share:.1%}" if share >= 0.001 else "under 0.1%"
    return (
        f"{unlabelled:,} of {total:,} rows ({said}) are due and have no label: {counted[never]} (labels.never = {never!r}).",
    )


def paired_rows(
    loop: Loop,
    champion: str,
    challenger: str,
    as_of: datetime,
    *,
    since: datetime | None = None,
    snapshot: int | None = None,
    columns: Sequence[str] = (),
) -> Comparison:
    """Both models on the same rows.

    Args:
        champion, challenger: registered versions.
        as_of: UTC instant; labels known later are not used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read; None: the newest.
        columns: of the charter, to have beside.

    Raises:
        UnknownNameError: a version is not registered.
        RefusedError: a model was trained on rows later than `as_of` or `since`; or scores are none.
        NotReadyError: no common rows that are due; the message says what is missing.
    """
    versions = {"champion": champion, "challenger": challenger}
    rows = common_rows(loop, versions, as_of, since=since, snapshot=snapshot, columns=columns)
    scores = rows.scores(loop)
    pairs = Pairs(rows.labels, scores["champion"], scores["challenger"], rows.units)
    beside = rows.beside(columns) if columns else None
    return Comparison(
        pairs,
        rows.cohorts(loop),
        rows.span,
        rows.days,
        rows.unscored,
        rows.frame["order_"].to_numpy(),
        rows.keys,
        beside,
        rows.repeated,
        rows.unlabelled,
        loop.charter.labels.never,
    )


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

    @property
    def labels(self) -> Floats:
        """(n,)."""
        return self.frame["label_"].cast(float).to_numpy()

    @property
    def units(self) -> Units:
        """Which rows belong together."""
        return Units.of(self.frame["entity_"], self.frame.height)

    @property
    def days(self) -> float:
        """Days between the first and the last of them."""
        moments = self.frame["when_"].dt.epoch("us").to_numpy()
        # A single moment is no rate; an hour is the least that stands for one.
        return max(float(moments.max() - moments.min()) / 86_400e6, 1 / 24)

    def cohorts(self, loop: Loop) -> pl.DataFrame:
        """(n,) one text column per declared cohort, then those that labels and voices make by themselves."""
        names, ids = [c.name for c in loop.charter.cohorts], self.frame["order_"].to_numpy()
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
) -> CommonRows:
    """The rows on which all of these models may be compared; at least one.

    Args:
        versions: name, which scores are called by → registered version.
        as_of: UTC instant; labels known later are not used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read; None: the newest.
        columns: of the charter, to have beside.

    Raises:
        As `paired_rows`.
    """
    models = list(dict.fromkeys(versions.values()))
    span = unseen_span(loop, models, as_of, since, snapshot)
    reading = read_at(loop, as_of, snapshot, since=span.start)
    rows = _rows(loop, reading, span, {f"{name}_": version for name, version in versions.items()}, columns)
    scored = rows.drop_nulls([column for name in versions for column in score_names(loop, f"{name}_")])
    labelled, frame = rows["label_"].is_not_null().sum(), scored.drop_nulls("label_")
    if not frame.height:
        raise NotReadyError(
            f"{' and '.join(models)} have no scored rows in common among {labelled:,} labelled rows that are due ({span.proof})",
            f"rows that {'both' if len(models) == 2 else 'all'} models scored",
            "log the missing scores, or compare a model that can score",
        )
    kept = _once(frame)
    unlabelled = int(scored["never_"].sum())
    return CommonRows(
        kept, versions, reading, span, int(labelled) - frame.height, frame.height - kept.height, unlabelled
    )


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
    where = "predicted_at >= $first and predicted_at < $last"
    found = list(scored_batches(loop, reading, versions, _SELECTED + cohorts, where, first=span.start, last=span.end))
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
