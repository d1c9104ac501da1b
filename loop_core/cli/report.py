"""`loop report …`: reports of other tools, for one window and cohort."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import say, show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import GroupOption, JsonOption, one_group
from loop_core.cli.progress import progress_bar
from loop_core.clock import instant

if TYPE_CHECKING:
    from datetime import datetime

report_app = typer.Typer(help="Reports that open in any browser.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(report_app, name="report")


@report_app.command("evidently")
@on_loop(AS_OF)
def evidently(
    here: Here,
    window: Annotated[str | None, typer.Option(help="First day of the window; default: the newest window.")] = None,
    cohort: GroupOption = None,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Evidently's drift, summary and quality of one window, on a sample of at most 20,000 rows a side."""
    from loop_core.monitor.report import evidently_report

    name, value = one_group(cohort) or (None, None)
    with progress_bar("evidently", quiet=as_json) as progress:
        report = evidently_report(
            here.loop, here.as_of, window=_window(here, window), cohort=name, cohort_value=value, seed=seed,
            progress=progress,
        )  # fmt: skip
    if as_json:
        show(report, True)
    else:
        say(report.sampled)
        for note in report.notes:
            say(f"! {note}")
        say(str(report.path_html), str(report.path_json))
    if open_:
        typer.launch(str(report.path_html))


def _window(here: Here, start: str | None) -> tuple[datetime, datetime]:
    from loop_core.windows import Windows

    days = here.loop.charter.monitor.window_days
    if start is None:
        return Windows.at(here.as_of, days).span(0)
    first = instant(start)
    return first, first + timedelta(days=days)
