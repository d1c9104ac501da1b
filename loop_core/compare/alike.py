"""Several models' values of one metric on the rows they share, leaving out those that share none with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loop_core.charter import Charter
from loop_core.compare.common_rows import CommonRows, common_rows
from loop_core.compare.fairness import fairness
from loop_core.compare.metrics import METRICS, Pairs, Terms, estimate
from loop_core.errors import NotReadyError, RefusedError
from loop_core.models import train_end
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: The measure of fairness that is traded against, where the task has it.
ODDS = "equalized_odds"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Valued:
    """Values of one metric on the same rows."""

    metric: str
    more_is_better: bool
    n: int
    """Rows; 0: there are none."""
    values: Mapping[str, float | None]
    """Version → its value."""
    gaps: Mapping[str, float | None]
    """Version → its widest fairness gap."""
    notes: tuple[str, ...]
    """Which models were left out, and why."""

    def of(self, version: str) -> float | None:
        """Its value; None: it was left out, or has none."""
        return self.values.get(version)


def valued(loop: Loop, as_of: datetime, versions: Sequence[str]) -> Valued:
    """The charter's first metric for these models, on rows that all of them scored and none has seen.

    A model trained up to the present shares no mature row with anybody; it is left out, the newest first, until rows are
    left.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is known.
        versions: registered ones.
    """
    metric = loop.charter.metrics[0].name
    kept, notes = list(versions), []
    while kept:
        names = {f"m{k}": version for k, version in enumerate(kept)}
        try:
            rows = common_rows(loop, names, as_of)
        except (NotReadyError, RefusedError) as error:
            newest = max(kept, key=lambda version: train_end(loop, version) or _NEVER)
            kept.remove(newest)
            notes.append(f"{newest} has no value: {error.given}.")
            continue
        return _of_rows(loop, metric, rows, tuple(notes))
    return Valued(metric, METRICS[metric].more_is_better, 0, {}, {}, tuple(notes))


def _of_rows(loop: Loop, metric: str, rows: CommonRows, notes: tuple[str, ...]) -> Valued:
    scores = {rows.versions[name]: found for name, found in rows.scores(loop).items()}
    terms = Terms.of(loop.charter, metric)
    alone = {version: Pairs(rows.labels, one, one, rows.units) for version, one in scores.items()}
    values = {version: estimate(metric, pairs, terms).challenger for version, pairs in alone.items()}
    gaps: dict[str, float | None] = {}
    if any(cohort.protected for cohort in loop.charter.cohorts):
        cohorts = rows.cohorts(loop)
        gaps = {version: _widest(loop.charter, pairs, cohorts) for version, pairs in alone.items()}
    return Valued(metric, METRICS[metric].more_is_better, len(rows.labels), values, gaps, notes)


def _widest(charter: Charter, pairs: Pairs, cohorts: pl.DataFrame) -> float | None:
    """The widest gap of one model over the protected cohorts, by one measure: equalised odds where the task has it."""
    found = [one for one in fairness(charter, pairs, cohorts)[0] if one.challenger is not None]
    measures = [one.measure for one in found]
    wanted = ODDS if ODDS in measures else next(iter(measures), None)
    return max((one.challenger for one in found if one.measure == wanted and one.challenger is not None), default=None)
