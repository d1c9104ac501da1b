"""Calibration of two models on the same rows, to be drawn on the same axes."""

from __future__ import annotations

from datetime import datetime

from loop_core.compare.again import rows_again
from loop_core.monitor.calibration import curve_of
from loop_core.monitor.groups import Group
from loop_core.monitor.reliability import ReliabilityCurve
from loop_core.workspace import Loop


def calibration_overlay(
    loop: Loop,
    champion: str,
    challenger: str,
    as_of: datetime,
    *,
    cohort: str | None = None,
    value: str | None = None,
    since: datetime | None = None,
    snapshot: int | None = None,
    seed: int = 0,
) -> tuple[ReliabilityCurve, ReliabilityCurve]:
    """The reliability curves of champion and challenger, with intervals, on the rows that both scored.

    Args:
        loop: the loop.
        champion, challenger: registered versions.
        as_of: UTC instant; labels known later are not used.
        cohort, value: a group; None: everybody.
        since, snapshot: those of a scorecard, to have its rows.
        seed: of the bootstrap of the calibration error.

    Raises:
        UnknownNameError: a version, cohort or value that is not there.
        NotReadyError: no rows in common.
    """
    again = rows_again(loop, champion, challenger, as_of, since=since, snapshot=snapshot)
    pairs = again.rows.pairs if cohort is None else again.rows.pairs.take(again.places(cohort, value))
    span, n = (again.rows.span.start, again.rows.span.end), len(pairs)
    first, second = (
        curve_of(loop, span, (cohort, value), Group(scores, pairs.labels, None, n, n, frozenset({version})), seed)
        for version, scores in ((champion, pairs.champion), (challenger, pairs.challenger))
    )
    return first, second
