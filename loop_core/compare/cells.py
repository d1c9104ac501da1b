"""Every cell of a scorecard: estimate, then verdict, with the correction that many cohorts ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from loop_core.charter import Charter, Metric
from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.groups import groups
from loop_core.compare.metrics import Pairs, estimate
from loop_core.compare.scorecard import Cell
from loop_core.compare.verdict import p_worse, rejected, rows_needed, verdict
from loop_core.vocabulary import Verdict

if TYPE_CHECKING:
    import polars as pl


def all_cells(charter: Charter, pairs: Pairs, cohorts: pl.DataFrame) -> tuple[Cell, ...]:
    """Every metric overall and in every cohort value.

    Args:
        charter: metrics, margins, cohorts and their minimum rows.
        pairs: the n compared rows.
        cohorts: (n,) one text column per declared cohort.
    """
    overall = [_cell(metric, None, None, pairs, 1) for metric in charter.metrics]
    return tuple(overall + corrected(list(_cohort_cells(charter, pairs, cohorts))))


def corrected(cells: list[Cell]) -> list[Cell]:
    """`worse` said of one cohort among many stays only where Benjamini–Hochberg over all of them upholds it."""
    tested = [
        c for c in cells if c.block != "signal" and c.difference is not None and c.verdict is not Verdict.NOT_APPLICABLE
    ]
    upheld = rejected([p_worse(c.difference or 0.0, c.se or 0.0) for c in tested])
    softened = {
        id(cell): replace(
            cell,
            verdict=Verdict.INCONCLUSIVE,
            # How many rows would do depends on the other cells too.
            rows_needed=None,
            reason=f"below zero on its own, but not beyond what {len(tested)} cells show by chance (Benjamini–Hochberg)",
        )
        for cell, holds in zip(tested, upheld, strict=True)
        if cell.verdict is Verdict.WORSE and not holds
    }
    return [softened.get(id(cell), cell) for cell in cells]


def _cohort_cells(charter: Charter, pairs: Pairs, cohorts: pl.DataFrame) -> Iterator[Cell]:
    for cohort in charter.cohorts:
        for value, rows in groups(cohort, cohorts[cohort.name]):
            inside = pairs.take(rows)
            for metric in charter.metrics:
                yield _cell(metric, cohort.name, value, inside, cohort.min_rows)


def _cell(metric: Metric, cohort: str | None, value: str | None, pairs: Pairs, min_rows: int) -> Cell:
    found = estimate(metric.name, pairs)
    blank = _blank(metric, cohort, value, len(pairs))
    if isinstance(found, NotEstimable):
        return replace(blank, champion=found.champion, challenger=found.challenger, reason=found.reason)
    measured = replace(_measured(blank, found), verdict=verdict(found.ci_low, found.ci_high, blank.margin))
    if len(pairs) < min_rows:
        return replace(
            measured, verdict=Verdict.NOT_APPLICABLE, reason=f"{len(pairs)} rows; the charter asks for {min_rows}"
        )
    if measured.verdict is Verdict.INCONCLUSIVE:
        return replace(measured, rows_needed=rows_needed(found.n, found.se, blank.margin))
    return measured


def _blank(metric: Metric, cohort: str | None, value: str | None, n: int) -> Cell:
    return Cell(
        metric=metric.name,
        block=metric.block,
        cohort=cohort,
        cohort_value=value,
        n=n,
        champion=None,
        challenger=None,
        difference=None,
        ci_low=None,
        ci_high=None,
        margin=metric.margin_for(cohort),
        verdict=Verdict.NOT_APPLICABLE,
        rows_needed=None,
        method="",
        reason="",
    )


def _measured(blank: Cell, found: Estimate) -> Cell:
    return replace(
        blank,
        champion=found.champion,
        challenger=found.challenger,
        difference=found.difference,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        method=found.method,
        se=found.se,
    )
