"""`loop monitor …`: a closer look at drift than `loop drift` takes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.clock import instant

if TYPE_CHECKING:
    from datetime import datetime

monitor_app = typer.Typer(help="Drift, looked at closely.", no_args_is_help=True)

CohortOption = Annotated[str | None, typer.Option("--cohort", help="Cut by this declared cohort.")]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method",
        help="psi, jensen_shannon, binned_wasserstein, kolmogorov_smirnov, chi_squared, missing or unseen.",
    ),
]
WindowOption = Annotated[str | None, typer.Option(help="First day of the window; default: the newest window.")]
_CELL = {
    "feature": "feature", "window_start": "from", "window_end": "to", "cohort_value": "cohort", "value": "value",
    "expected_by_chance": "by chance", "threshold": "threshold", "p_value": "p", "q_value": "q", "n_current": "n", "state": "state", "reason": "why not",
}  # fmt: skip
_RATE = {
    "feature": "feature", "expected_per_month": "expected a month", "seen_per_month": "seen in reference",
    "since_per_month": "seen since", "fixed_expected_per_month": "fixed cut-off",
}  # fmt: skip


def add_to(app: typer.Typer) -> None:
    app.add_typer(monitor_app, name="monitor")


@monitor_app.command("drift")
@on_loop(AS_OF)
def drift(
    here: Here,
    method: MethodOption = "psi",
    cohort: CohortOption = None,
    weeks: Annotated[int, typer.Option(help="Newest windows to show.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Drift by any measure, with its learned threshold, p and q values."""
    from loop_core.monitor import drift_scores

    scores = drift_scores(here.loop, here.as_of, weeks=weeks, cohort=cohort, method=method)
    show(scores, as_json, _CELL, empty="No windows yet.")


@monitor_app.command("calibrate")
@on_loop(AS_OF)
def calibrate(here: Here, method: MethodOption = "psi", as_json: JsonOption = False) -> None:
    """False alarms a month: expected and seen, beside the charter's budget and a fixed cut-off."""
    from loop_core.monitor.drift import calibrate as calibrated

    found = calibrated(here.loop, here.as_of, method=method)
    if as_json:
        show(found, True)
        return
    say(found.sentence)
    say(
        f"Expected over {found.months_expected:.0f} months of windows drawn from the reference (about"
        f" {found.rows_per_window:,} rows each), seen over {found.months_seen:.1f} months of reference and"
        f" {found.months_since:.1f} since."
    )
    show(found.rows, False, _RATE)


@monitor_app.command("domain")
@on_loop(AS_OF)
def domain(
    here: Here,
    window: WindowOption = None,
    seed: Annotated[int, typer.Option(help="Of the samples and folds.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Can a classifier tell the window from the reference, and by which features?"""
    from loop_core.figures import numbers_apart
    from loop_core.monitor.drift import domain_classifier

    start, end = _window(here, window)
    found = domain_classifier(here.loop, here.as_of, window_start=start, window_end=end, seed=seed)
    if as_json:
        show(found, True)
        return
    if found.auc is None:
        say(f"It cannot be told: {found.reason}")
        return
    auc, quiet = numbers_apart(found.auc, found.auc if found.threshold is None else found.threshold)
    say(
        f"AUC {auc} ({found.ci_low:.3f} – {found.ci_high:.3f}) between {found.n_reference:,} rows of the"
        f" reference and {found.n_current:,} of {start:%Y-%m-%d} to {end - timedelta(days=1):%Y-%m-%d}; 0.5 is chance."
    )
    if found.threshold is None:
        say(found.reason)
    else:
        say(f"Of 40 quiet windows 39 stay under {quiet}; p = {found.p_value:.2g}: {found.state.value}.")
    for feature, share in found.features[:10]:
        say(f"  {share:>4.0%}  {feature}")


@monitor_app.command("rows")
@on_loop(AS_OF)
def rows(
    here: Here,
    feature: Annotated[str, typer.Argument(help="Feature, or `score`.")],
    window: WindowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every measure of one feature in one window, on the rows themselves."""
    from loop_core.monitor.drift import exact_drift

    start, end = _window(here, window)
    found = exact_drift(here.loop, here.as_of, feature=feature, window_start=start, window_end=end)
    show(found, as_json, {"method": "measure", **{k: v for k, v in _CELL.items() if k not in ("q_value", "feature")}})


@monitor_app.command("compare")
def compare(
    reference: Annotated[Path, typer.Argument(help="What is usual: Parquet, csv or JSON lines.")],
    current: Annotated[Path, typer.Argument(help="What is compared with it.")],
    method: Annotated[list[str] | None, typer.Option("--method", help="Only this measure; repeatable.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Drift between two files, without a loop: nothing is in alarm, because there is no time to learn from."""
    from loop_core.monitor.drift.files import compare_files

    found = compare_files(reference, current, methods=method)
    columns = {
        "column": "column", "method": "measure", "value": "value", "expected_by_chance": "by chance", "folklore": "folklore",
        "reason": "why not",
    }  # fmt: skip
    show(found.scores, as_json, columns, empty="The files share no column.")


def _window(here: Here, start: str | None) -> tuple[datetime, datetime]:
    from loop_core.windows import Windows

    days = here.loop.charter.monitor.window_days
    if start is None:
        return Windows.at(here.as_of, days).span(0)
    first = instant(start)
    return first, first + timedelta(days=days)
