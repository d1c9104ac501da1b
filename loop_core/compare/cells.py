"""Every cell of a scorecard: estimate, then verdict, with the correction that many cohorts ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from loop_core.charter import SERVICE, Charter, Metric
from loop_core.compare.estimate import NotEstimable, Z
from loop_core.compare.groups import Grouping
from loop_core.compare.metrics import Found, Pairs, Terms, estimates
from loop_core.compare.scorecard import Cell
from loop_core.compare.verdict import LONGEST_WAIT, p_worse, rejected, rows_needed, verdict
from loop_core.monitor.shrink import shrink
from loop_core.vocabulary import Verdict


def all_cells(charter: Charter, pairs: Pairs, groupings: Sequence[Grouping]) -> tuple[Cell, ...]:
    """Every metric overall and in every cohort value: everybody first, then cohort by cohort.

    Args:
        charter: metrics and margins.
        pairs: the n compared rows.
        groupings: `groupings(charter, cohorts, n)`: everybody first.
    """
    everybody, *cohorts = (_cells(charter, pairs, grouping) for grouping in groupings)
    return tuple(everybody + corrected([cell for inside in cohorts for cell in inside]))


def _cells(charter: Charter, pairs: Pairs, grouping: Grouping) -> list[Cell]:
    """Group by group, every metric; drawn towards the other groups where there are any."""
    metrics = _of_answers(charter)
    found = [estimates(m.name, pairs, grouping, Terms.of(charter, m.name)) for m in metrics]
    drawn = [_shrunk(one) for one in found]
    # Of the group, not of the metric: some metrics leave the rows of a sample out.
    whole = None if pairs.weights is None else grouping.sums(pairs.weights)
    return [
        replace(
            _cell(metric, grouping, k, found[j][k]),
            shrunk=drawn[j].get(k),
            stands_for=None if whole is None else float(whole[k]),
        )
        for k in range(grouping.count)
        for j, metric in enumerate(metrics)
    ]


def _of_answers(charter: Charter) -> list[Metric]:
    """The metrics of labels and scores; those of the service have cells of their own (`service_cells`)."""
    return [metric for metric in charter.metrics if metric.name not in SERVICE]


def corrected(cells: list[Cell]) -> list[Cell]:
    """`worse` said of one cohort among many stays only where Benjamini–Hochberg over all of them upholds it."""
    tested = [
        c for c in cells if c.block != "signal" and c.difference is not None and c.verdict is not Verdict.NOT_APPLICABLE
    ]
    upheld = rejected([_p_worse(c) for c in tested])
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


def _p_worse(cell: Cell) -> float:
    # Of rows without label the upper end is that of the labels best for the challenger.
    difference = (cell.difference or 0.0) if cell.bound_high is None else cell.bound_high
    return p_worse(difference, cell.se or 0.0, (cell.ci_high or 0.0) - difference)


def dated(cells: Sequence[Cell], days: float, as_of: datetime) -> tuple[Cell, ...]:
    """The cells with the date on which the rows they need will have arrived and matured, at the present rate.

    Args:
        cells: of a scorecard.
        days: length of the compared span; labels take as long to come as they did.
        as_of: UTC instant of the comparison.
    """
    return tuple(replace(cell, decided_on=_date(cell, days, as_of)) for cell in cells)


def _date(cell: Cell, days: float, as_of: datetime) -> datetime | None:
    if cell.rows_needed is None or not cell.n:
        return None
    wait = cell.rows_needed * days / cell.n
    return as_of + timedelta(days=wait) if wait <= LONGEST_WAIT else None


def _shrunk(found: Sequence[Found]) -> dict[int, float]:
    """Differences drawn towards the cohort's common one; only where there are several to hear."""
    heard = {k: one for k, one in enumerate(found) if not isinstance(one, NotEstimable)}
    if len(heard) < 2:
        return {}
    drawn = shrink([one.difference for one in heard.values()], [one.se for one in heard.values()])
    return {k: one.value for k, one in zip(heard, drawn, strict=True)}


def _cell(metric: Metric, grouping: Grouping, k: int, found: Found) -> Cell:
    blank = _blank(metric, grouping, k, found)
    if isinstance(found, NotEstimable):
        return replace(blank, reason=found.reason)
    said = verdict(found.ci_low, found.ci_high, blank.margin)
    measured = replace(
        blank,
        difference=found.difference,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        method=found.method,
        se=found.se,
        verdict=said,
        bound_low=found.bound_low,
        bound_high=found.bound_high,
        n_effective=found.n_effective,
    )
    if found.n < grouping.min_rows:
        few = f"{found.n} rows; the charter asks for {grouping.min_rows}"
        return replace(measured, verdict=Verdict.NOT_APPLICABLE, reason=few)
    if said is Verdict.INCONCLUSIVE:
        # Of few units the interval is wider than 1.96 standard errors, and it is the interval that has to shrink.
        open_ = (found.bound_high or 0.0) - (found.bound_low or 0.0)
        if open_ >= blank.margin:
            return replace(measured, reason="left open by missing labels; more rows alone do not decide it")
        width = max(found.se, (found.ci_high - found.ci_low - open_) / 2 / Z)
        return replace(measured, rows_needed=rows_needed(found.n, width, blank.margin - open_))
    return measured


def _blank(metric: Metric, grouping: Grouping, k: int, found: Found) -> Cell:
    return Cell(
        metric=metric.name,
        block="signal" if grouping.shown_only else metric.block,
        cohort=grouping.cohort,
        cohort_value=grouping.values[k],
        n=found.n,
        champion=found.champion,
        challenger=found.challenger,
        difference=None,
        ci_low=None,
        ci_high=None,
        margin=metric.margin_for(grouping.cohort),
        verdict=Verdict.NOT_APPLICABLE,
        rows_needed=None,
        method="",
        reason="",
    )
