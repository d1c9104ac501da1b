"""`loop completeness | calibration | boundary`: how far labels are in, and how far scores can be taken at their word."""

from __future__ import annotations

from typing import Annotated

import typer

from loop_core.cli.console import show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption

CohortOption = Annotated[str | None, typer.Option("--cohort", help="Cut by this declared cohort, or by a pair: a×b.")]
WeeksOption = Annotated[int, typer.Option(help="Newest windows to use.")]
_COHORT = {"cohort_value": "cohort"}


def add_to(app: typer.Typer) -> None:
    for command in (completeness, calibration, boundary):
        app.command(command.__name__)(command)


@on_loop(AS_OF)
def completeness(
    here: Here,
    cohort: Annotated[str | None, typer.Option("--cohort", help="Cut by this declared cohort.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Share of predictions whose label is known, by their age in days."""
    from loop_core.labels import completeness as by_age

    points = by_age(here.loop, here.as_of, cohort=cohort)
    columns = {"age_days": "age in days", **_COHORT, "share": "known", "ci_low": "low", "ci_high": "high", "n": "n"}
    show(points, as_json, columns, empty="No predictions yet.")


@on_loop(AS_OF)
def calibration(
    here: Here,
    cohort: CohortOption = None,
    weeks: WeeksOption = 12,
    over_time: Annotated[bool, typer.Option("--over-time", help="One line for each long-term window.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Whether scores are chances: calibration error, slope and intercept with their intervals, Brier score's parts."""
    from loop_core.monitor import calibration as reliability

    curves = reliability(here.loop, here.as_of, cohort=cohort, weeks=weeks, over_time=over_time)
    columns = {
        "window_start": "from", "window_end": "to", **_COHORT, "n": "n", "ece": "ECE", "ece_ci_low": "low",
        "ece_ci_high": "high", "slope": "slope", "slope_ci_low": "from ", "slope_ci_high": "to ",
        "intercept": "intercept", "brier": "Brier", "reliability": "reliability", "resolution": "resolution",
        "state": "state",
    }  # fmt: skip
    show(curves, as_json, columns, empty="No scored windows yet.")


@on_loop(AS_OF)
def boundary(
    here: Here,
    cohort: CohortOption = None,
    weeks: WeeksOption = 12,
    threshold: Annotated[float, typer.Option(help="From this score on the model says yes.")] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """How many scores lie near the threshold, and how often the decision on them was wrong."""
    from loop_core.monitor import decision_boundary

    found = decision_boundary(here.loop, here.as_of, cohort=cohort, weeks=weeks, threshold=threshold)
    columns = {
        **_COHORT, "n": "n", "n_labelled": "labelled", "near_share": "near", "near_error_share": "wrong there",
        "near_ci_low": "low", "near_ci_high": "high",
    }  # fmt: skip
    show(found, as_json, columns, empty="No window is mature yet.")
