"""Calibration of two models on the same rows, to be drawn on the same axes."""

from __future__ import annotations

from loop_core.compare.again import rows_again
from loop_core.compare.scorecard import Scorecard
from loop_core.compare.store import scorecard_of
from loop_core.monitor.calibration import curve_of
from loop_core.monitor.groups import Group
from loop_core.monitor.reliability import ReliabilityCurve
from loop_core.workspace import Loop


def calibration_overlay(
    loop: Loop, card: Scorecard | str, *, cohort: str | None = None, value: str | None = None, seed: int = 0
) -> tuple[ReliabilityCurve, ReliabilityCurve]:
    """The reliability curves of champion and challenger, with intervals, on the rows of their comparison.

    Args:
        loop: the loop.
        card: the comparison, or the id of a stored one.
        cohort, value: a group; None: everybody.
        seed: of the bootstrap of the calibration error.

    Raises:
        UnknownNameError: a scorecard, cohort or value that is not there.
        NotReadyError: its rows are no longer there.
        RefusedError: a first release.
    """
    card = scorecard_of(loop, card)
    again = rows_again(loop, card)
    pairs = again.rows.pairs if cohort is None else again.rows.pairs.take(again.places(cohort, value))
    span, n = (again.rows.span.start, again.rows.span.end), len(pairs)
    first, second = (
        curve_of(loop, span, (cohort, value), Group(scores, pairs.labels, None, n, n, frozenset({version})), seed)
        for version, scores in ((again.champion, pairs.champion), (again.challenger, pairs.challenger))
    )
    return first, second
