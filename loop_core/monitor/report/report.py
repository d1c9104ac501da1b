"""One window beside the reference → Evidently's report, kept under the workspace's reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import read_at
from loop_core.lake import Reading
from loop_core.monitor.finding import window_text
from loop_core.monitor.profiles.reference import reference_span
from loop_core.monitor.report.columns import shown_columns
from loop_core.monitor.report.sample import Sample, stratified_sample
from loop_core.monitor.report.stored import Report, Request, find, store
from loop_core.workspace import Loop

Progress = Callable[[float, str], None]


def evidently_report(
    loop: Loop,
    as_of: datetime,
    *,
    window: tuple[datetime, datetime],
    cohort: str | None = None,
    cohort_value: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Data drift, data summary and quality of the predictions, by Evidently; the same request again gives the stored report.

    Both sides are samples of at most 20,000 rows, stratified by day and label; the report says of how many. Loading
    Evidently takes about 10 s: run it as the job `evidently`.

    Args:
        loop: the loop.
        as_of: UTC instant; labels known later, and rows made later, are not in it.
        window: the current span of prediction times, end exclusive. The reference is the monitor's.
        cohort, cohort_value: a declared cohort and its value, for both sides; None: everybody.
        seed: of the sample.
        progress: called with the share done and a sentence.

    Raises:
        RefusedError: the window is empty or reversed, or only one of cohort and value is given.
        UnknownNameError: no such cohort.
        NotReadyError: no rows in the window or in the reference.
        StorageError: the report cannot be written.
    """
    said = progress or (lambda share, sentence: None)
    request = _request(loop, as_of, window, (cohort, cohort_value), seed)
    if (known := find(loop, request)) is not None:
        said(1.0, "This report was made before")
        return known
    said(0.05, "Sampling rows")
    current = _sample(loop, request, request.window_start, request.window_end, "the window")
    reference = _sample(loop, request, request.reference_start, request.reference_end, "the reference")
    said(0.2, "Loading Evidently")
    from loop_core.monitor.report.rendering import render

    columns = shown_columns(loop.charter, reference.frame, current.frame)
    if not columns.numbers + columns.categories:
        raise NotReadyError(
            "No column has a value both in the window and in the reference", "one to compare", "choose another window"
        )
    rendered = render(loop.charter, columns, _title(loop, request, reference, current), said)
    said(0.95, "Keeping the report")
    return store(loop, request, reference, current, rendered)


def _request(
    loop: Loop,
    as_of: datetime,
    window: tuple[datetime, datetime],
    cohort: tuple[str | None, str | None],
    seed: int,
) -> Request:
    if window[0] >= window[1]:
        raise RefusedError(
            f"The window {window[0]:%Y-%m-%d} to {window[1]:%Y-%m-%d} holds no time",
            "a start before the end",
            "swap them",
        )
    if (cohort[0] is None) != (cohort[1] is None):
        raise RefusedError(
            f"Cohort {cohort[0]!r} with value {cohort[1]!r}", "both or neither", "name the cohort and one of its values"
        )
    if cohort[0] is not None:
        loop.charter.cohort(cohort[0])
    span = reference_span(loop, as_of)
    if span is None:
        raise NotReadyError("The loop has no predictions yet", "rows to compare", "ingest predictions")
    known, start, end, reference_start, reference_end = (at.astimezone(UTC) for at in (as_of, *window, *span))
    return Request(
        loop=loop.name,
        snapshot=loop.lake.snapshot(),
        charter_hash=loop.charter.hash,
        as_of=known,
        window_start=start,
        window_end=end,
        reference_start=reference_start,
        reference_end=reference_end,
        cohort=cohort[0],
        cohort_value=cohort[1],
        seed=seed,
    )


def _sample(loop: Loop, request: Request, start: datetime, end: datetime, what: str) -> Sample:
    reading: Reading = read_at(loop, request.as_of, request.snapshot, since=start)
    sample = stratified_sample(reading, start, end, (request.cohort, request.cohort_value), request.seed)
    if sample.n == 0:
        of = f" with {request.cohort} = {request.cohort_value}" if request.cohort else ""
        raise NotReadyError(
            f"There are no predictions{of} in {what}, {window_text(start, end)}",
            "at least one row on both sides",
            "choose another window or cohort",
        )
    return sample


def _title(loop: Loop, request: Request, reference: Sample, current: Sample) -> str:
    cohort = f" · {request.cohort} = {request.cohort_value}" if request.cohort else ""
    return (
        f"{loop.charter.loop.title}{cohort} · current {window_text(request.window_start, request.window_end)}: {current.sentence}"
        f" · reference {window_text(request.reference_start, request.reference_end)}: {reference.sentence}"
        f" · known at {request.as_of:%Y-%m-%d %H:%M} UTC"
    )
