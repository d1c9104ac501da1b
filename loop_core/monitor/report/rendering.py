"""Columns → Evidently's HTML and JSON. The only file that imports Evidently, and pandas for it."""

from __future__ import annotations

import html
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter
from loop_core.errors import LoopbenchError, RefusedError
from loop_core.monitor.report.columns import Columns
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Progress = Callable[[float, str], None]
#: Quality is measured from this many labelled rows of each class on, of numbers from twice as many.
MIN_OF_EACH = 10


@dataclass(frozen=True)
class Rendered:
    """What is kept of a report."""

    html: str
    """A page that needs nothing from elsewhere."""
    json: Any
    """Evidently's own result: {"drift": …, "quality": … or null}; plain JSON types."""
    notes: tuple[str, ...]
    """What was left out, and why."""


def render(charter: Charter, columns: Columns, title: str, progress: Progress) -> Rendered:
    """Drift and summary of every column, then quality of the rows whose label is known.

    Quality is set beside the reference where that has scores and labels; a champion that was trained on the reference
    never scored it, and then the window stands alone.
    """
    # Evidently reads it when it is about to send; nothing here does, and nothing of it may.
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings(), _its_own_words():
        warnings.simplefilter("ignore")  # a third party's deprecations and empty slices are no news to an analyst
        snapshots, notes = {"drift": _drift(columns)}, list(columns.notes)
        progress(0.7, "Quality of the predictions")
        quality, said = QUALITY[charter.loop.task](charter, columns)
        notes += said
        if quality is not None:
            snapshots["quality"] = quality
        progress(0.85, "Drawing the report")
        page = _page(list(snapshots.values()), title, notes)
        results = {name: json.loads(snapshot.json(), parse_constant=_nothing) for name, snapshot in snapshots.items()}
    return Rendered(page, {"drift": None, "quality": None} | results, tuple(notes))


@contextmanager
def _its_own_words() -> Iterator[None]:
    """What Evidently stumbles over is said, with what to do; a stop on request passes."""
    try:
        yield
    except (LoopbenchError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise RefusedError(
            f"Evidently cannot make a report of these rows ({type(error).__name__}: {str(error)[:200]})",
            "columns it can draw",
            "choose another window or cohort; the rest of the page does not depend on it",
        ) from error


def _drift(columns: Columns) -> Any:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    shown = [*columns.numbers, *columns.categories]
    definition = DataDefinition(numerical_columns=list(columns.numbers), categorical_columns=list(columns.categories))
    reference, current = (
        Dataset.from_pandas(_pandas(frame.select(shown)), data_definition=definition)
        for frame in (columns.reference, columns.current)
    )
    return Report([DataDriftPreset(columns=shown), DataSummaryPreset()]).run(current, reference)


def _quality_report(current: pl.DataFrame, reference: pl.DataFrame | None, definition: Any, preset: Any) -> Any:
    from evidently import Dataset, Report

    sides = [
        None if f is None else Dataset.from_pandas(_pandas(f), data_definition=definition) for f in (current, reference)
    ]
    return Report([preset]).run(*sides)


#: What quality says where the reference cannot stand beside the window.
_ALONE = "Quality stands without a reference: too few rows of the reference have both score and label"


def _binary_quality(charter: Charter, columns: Columns) -> tuple[Any, list[str]]:
    from evidently import BinaryClassification, DataDefinition
    from evidently.presets import ClassificationPreset

    current, reference = (
        _labelled(side, ["score"]).cast({"label": int}) for side in (columns.current, columns.reference)
    )
    if not _every_class(current, 2):
        return None, [
            f"Quality is left out: fewer than {MIN_OF_EACH} scored rows of each label are known in the window"
        ]
    definition = DataDefinition(
        numerical_columns=["score"],
        categorical_columns=["label"],
        classification=[BinaryClassification(target="label", prediction_probas="score", pos_label=1)],
    )
    beside = reference if _every_class(reference, 2) else None
    notes = [] if beside is not None else [_ALONE]
    return _quality_report(current, beside, definition, ClassificationPreset()), notes


def _multiclass_quality(charter: Charter, columns: Columns) -> tuple[Any, list[str]]:
    from evidently import DataDefinition, MulticlassClassification
    from evidently.presets import ClassificationPreset

    names, k = list(charter.loop.classes), len(charter.loop.classes)
    current, reference = (_labelled(side, charter.score_columns) for side in (columns.current, columns.reference))
    if not _every_class(current, k):
        return None, [
            f"Quality is left out: fewer than {MIN_OF_EACH} scored rows of each class are known in the window"
        ]
    definition = DataDefinition(
        numerical_columns=names,
        categorical_columns=["label", "said"],
        classification=[MulticlassClassification(target="label", prediction_labels="said", prediction_probas=names)],
    )
    beside = _named(charter, reference) if _every_class(reference, k) else None
    notes = [] if beside is not None else [_ALONE]
    return _quality_report(_named(charter, current), beside, definition, ClassificationPreset()), notes


def _regression_quality(charter: Charter, columns: Columns) -> tuple[Any, list[str]]:
    from evidently import DataDefinition, Regression
    from evidently.presets import RegressionPreset

    current, reference = (_labelled(side, ["score"]) for side in (columns.current, columns.reference))
    if current.height < 2 * MIN_OF_EACH:
        return None, [f"Quality is left out: fewer than {2 * MIN_OF_EACH} scored rows of the window have a label"]
    definition = DataDefinition(
        numerical_columns=["score", "label"], regression=[Regression(target="label", prediction="score")]
    )
    beside = reference if reference.height >= 2 * MIN_OF_EACH else None
    notes = [] if beside is not None else [_ALONE]
    return _quality_report(current, beside, definition, RegressionPreset()), notes


#: Task → quality of the predictions: Evidently's result (None: not enough labels), and what there is to say about it.
QUALITY: dict[Task, Callable[[Charter, Columns], tuple[Any, list[str]]]] = {
    Task.BINARY: _binary_quality,
    Task.MULTICLASS: _multiclass_quality,
    Task.REGRESSION: _regression_quality,
}


def _labelled(frame: pl.DataFrame, scores: Sequence[str]) -> pl.DataFrame:
    return frame.select(*scores, "label").drop_nulls()


def _named(charter: Charter, frame: pl.DataFrame) -> pl.DataFrame:
    """Classes by their names: probabilities as columns, the label, and the class that the model said."""
    import polars as pl

    names = dict(enumerate(charter.loop.classes))
    said = pl.concat_list(charter.score_columns).list.arg_max().replace_strict(names, return_dtype=pl.String)
    true = pl.col("label").cast(pl.Int64).replace_strict(names, return_dtype=pl.String)
    renamed = [pl.col(column).alias(name) for column, name in zip(charter.score_columns, names.values(), strict=True)]
    return frame.select(*renamed, true.alias("label"), said.alias("said"))


def _every_class(frame: pl.DataFrame, classes: int) -> bool:
    return min(int((frame["label"] == label).sum()) for label in range(classes)) >= MIN_OF_EACH


def _pandas(frame: pl.DataFrame) -> pd.DataFrame:
    return frame.to_pandas()


def _page(snapshots: list[Any], title: str, notes: list[str]) -> str:
    from evidently.core.metric_types import render_widgets
    from evidently.legacy.renderers.html_widgets import group_widget

    widgets = [widget for snapshot in snapshots for widget in snapshot.to_snapshot_model().widgets]
    page: str = render_widgets([group_widget(title="", widgets=widgets)])
    said = "".join(f"<li>{html.escape(note)}.</li>" for note in notes)
    banner = (
        f'<div id="sampled" style="font:14px sans-serif;margin:12px 24px">{html.escape(title)}<ul>{said}</ul></div>'
    )
    return page.replace("<body>", f"<body>{banner}", 1)


def _nothing(_: str) -> None:
    """NaN and infinity are no JSON."""
