"""The rows on which two models may be compared: due, labelled, scored by both, and seen by neither in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.compare.common_rows import CommonRows, common_rows
from loop_core.compare.metrics import Pairs
from loop_core.compare.span import Span
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Judged:
    """Rows that verdicts rest on, of which some may have no label, and some stand for others."""

    pairs: Pairs
    cohorts: pl.DataFrame
    """(n,) as those of the comparison."""
    days: float

    @property
    def labelled(self) -> int:
        """Rows with a label."""
        return len(self.pairs) - int(np.count_nonzero(self.pairs.unlabelled))

    @property
    def notes(self) -> tuple[str, ...]:
        """How many are of a sample, and what it ends with."""
        weights = self.pairs.weights
        if weights is None or self.pairs.is_due.all():
            return ()
        known = ~self.pairs.unlabelled
        drawn = int(np.count_nonzero(known & ~self.pairs.is_due))
        worth = weights[known].sum() ** 2 / (weights[known] ** 2).sum()
        waiting = int(np.count_nonzero(self.pairs.unlabelled & ~self.pairs.is_due))
        several = f"the first {waiting:,} that wait for their labels, all of one entity" if waiting > 1 else ""
        ends = f" The sample ends with {several or 'the first that waits for its label'}: any label is allowed for."
        return (
            f"{drawn:,} of {self.labelled:,} rows are not due: a random sample drew and labelled them. Each stands for"
            f" 1/probability predictions; all together tell as much as {worth:,.0f} rows that count alike."
            f"{ends if waiting else ''} Slices, fairness and metrics that are no sums over rows (AUC, average precision, ECE,"
            " bias) rest on the rows that are due; so do all but means over rows where the sample ends with a row without label.",
        )


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
    every: Judged | None = None
    """All rows that verdicts rest on, where these are not the rows above: with those that no label came for, if they are
    bounded, and with those of a random sample; None: the rows above."""

    open: Comparison | None = None
    """The rows above together with the due ones that no label came for, where any label is allowed for; None: there are none."""

    @property
    def judged(self) -> Judged:
        """The rows that verdicts rest on."""
        return self.every or Judged(self.pairs, self.cohorts, self.days)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, as a reader should know it."""
        share = unlabelled_note(self.unlabelled, len(self.pairs), self.never)
        return (*share, *self.judged.notes, *left_out(self.unscored, self.repeated, "one of the two"))


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
        n: rows with a label; where the unlabelled count as no, they are among them.
        never: see the charter's `[labels]`.
    """
    if not unlabelled:
        return ()
    total = n if never == "negative" else n + unlabelled
    counted = {
        "excluded": "they were left out",
        "negative": "they count as no",
        "bounded": "each counts as whatever is worst for the verdict",
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
    sampled: bool = False,
) -> Comparison:
    """Both models on the same rows.

    Args:
        champion, challenger: registered versions.
        as_of: UTC instant; labels known later are not used.
        since: only rows predicted at or after this.
        snapshot: lake snapshot to read; None: the newest.
        columns: of the charter, to have beside.
        sampled: verdicts may rest on rows of the charter's random sample (`[labels] sampled`) too; then none need be due.

    Raises:
        UnknownNameError: a version is not registered.
        RefusedError: a model was trained on rows later than `as_of` or `since`; or scores are none.
        NotReadyError: no common rows that are due; the message says what is missing.
    """
    versions = {"champion": champion, "challenger": challenger}
    rows = common_rows(loop, versions, as_of, since=since, snapshot=snapshot, columns=columns, sampled=sampled)
    pairs, whole = _pairs(loop, rows), rows.whole
    every = None if whole is rows else Judged(_pairs(loop, whole), whole.cohorts(loop), whole.days)
    open_ = rows.with_unlabelled
    found = _compared(loop, rows, pairs, columns)
    return replace(
        found, every=every, open=None if open_ is rows else _compared(loop, open_, _pairs(loop, open_), columns)
    )


def _compared(loop: Loop, rows: CommonRows, pairs: Pairs, columns: Sequence[str]) -> Comparison:
    return Comparison(
        pairs,
        rows.cohorts(loop),
        rows.span,
        rows.days,
        rows.unscored,
        rows.frame["order_"].to_numpy(),
        rows.keys,
        rows.beside(columns) if columns else None,
        rows.repeated,
        rows.unlabelled,
        loop.charter.labels.never,
    )


def _pairs(loop: Loop, rows: CommonRows) -> Pairs:
    scores = rows.scores(loop)
    return Pairs(rows.labels, scores["champion"], scores["challenger"], rows.units, rows.weights, rows.due)
