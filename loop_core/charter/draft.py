"""A data file → a first charter for its owner to edit: types, ranges, categories, the likely id, time, label, cohorts.

Guesses are marked `EDIT` with what they rest on. Read here with polars: a charter stands below the lake.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from loop_core.charter.contract import RESERVED
from loop_core.charter.parse import parse_charter
from loop_core.charter.part import CLASS_NAME
from loop_core.charter.profile import ColumnProfile, profile_file
from loop_core.errors import SourceError
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = Literal["number", "category", "flag", "timestamp", "text"]

#: Names that say what a column is; the first pattern that finds one wins.
_ID = (r"^prediction_id$", r"^(request|order|row|record|event|transaction|case)_?id$", r"^id$", r"_id$|^uuid$")
_TIME = (
    r"^predicted_at$",
    r"(purchase|request|order|created|event).*(_at|time|date|timestamp)",
    r"timestamp",
    r"_at$",
    r"date|time",
)
_LABEL = (
    r"^label$",
    r"^(target|y|outcome|class)$",
    r"^(is_|has_)?(late|churn|default|fraud|converted|cancel)",
    r"label|target|outcome",
)
#: Names so plain that the column is the label even where it is no yes or no.
_ANY_LABEL = _LABEL[:2]
_SCORE = (r"^(score|probability|prediction|proba|p_hat)$", r"score|proba")
_NUMBER = (r"^(score|prediction|predicted|y_pred|y_hat|forecast)$", r"predict|forecast")
_ENTITY = (r"^entity_id$", r"(customer|user|client|account|member|patient|seller).*id$")
#: Columns of a prediction that keep their name and part.
_OWN = frozenset({"model_version", "route", "latency_ms", "error"})
#: More categories than this make a text, not a category; a cohort has at most MAX_COHORT of them.
MAX_CATEGORIES, MAX_COHORT, MAX_COHORTS = 200, 20, 4
#: More classes than this are no label that somebody would tell apart.
MAX_CLASSES = 30
#: Fewer categories than this in a sample of at least MIN_ROWS are taken to be all there are.
MAX_LISTED, MIN_ROWS = 12, 1000


@dataclass(frozen=True)
class Guess:
    """What each column seems to be; column names as the file spells them."""

    id: str | None
    time: str | None
    label: str | None
    task: Task
    """By the label: two values, a few names, or numbers."""
    classes: tuple[str, ...]
    """Of a multiclass label."""
    score: str | None
    entity: str | None
    features: tuple[tuple[ColumnProfile, Kind], ...]
    context: tuple[tuple[ColumnProfile, Kind], ...]
    """What is no input: texts, times, keys, and columns with one value only."""
    naive: bool
    """Some times carry no zone."""


def draft_charter(path: Path, *, name: str) -> str:
    """Draft `loops/<name>.toml` from one file of predictions.

    Args:
        path: csv, tsv (each also .gz), parquet or jsonl; the first 200,000 rows are looked at.
        name: the loop's name.

    Returns:
        TOML text that `parse_charter` accepts. Lines marked EDIT are guesses for its owner to confirm.

    Raises:
        SourceError: the file cannot be read, or no column of it could be a feature.
        CharterError: `name` is no name for a loop.
    """
    columns = profile_file(path)
    guess = guess_columns(columns)
    if not guess.features:
        raise SourceError(
            f"No column of {path.name} could be a feature",
            "numbers, yes/no or categories",
            "give the file that the model sees",
        )
    text = "\n".join(_lines(path, name, columns[0].rows, guess))
    parse_charter(text, f"draft of {name}")
    return text


def guess_columns(columns: Sequence[ColumnProfile]) -> Guess:
    """Give every column its part."""
    identity = _named(_ID, (c for c in columns if c.unique and c.kind in ("text", "integer")))
    time = _named(_TIME, (c for c in columns if c.kind == "timestamp"), any_name=True)
    label, task, classes = _label(columns)
    if task is Task.REGRESSION:
        score = _named(_NUMBER, (c for c in columns if c.kind in ("integer", "real") and c.name != label))
    else:
        score = _named(_SCORE, (c for c in columns if c.kind == "real" and c.within_unit))
    entity = _named(_ENTITY, (c for c in columns if c.name != identity and c.kind in ("text", "integer")))
    taken = {identity, time, label, score, entity, *_OWN, *(f"score_{name}" for name in classes)}
    kinds = [(c, _kind(c)) for c in columns if c.name not in taken and not c.empty]
    is_input = [kind in ("number", "category", "flag") and not c.looks_like_id and c.distinct > 1 for c, kind in kinds]
    return Guess(
        identity,
        time,
        label,
        task,
        classes,
        score,
        entity,
        tuple(pair for pair, is_one in zip(kinds, is_input, strict=True) if is_one),
        tuple(pair for pair, is_one in zip(kinds, is_input, strict=True) if not is_one),
        any(c.naive for c in columns),
    )


def _label(columns: Sequence[ColumnProfile]) -> tuple[str | None, Task, tuple[str, ...]]:
    """The label, what kind of model says it, and its classes where there are several."""
    binary = _named(_LABEL, (c for c in columns if c.binary))
    if binary is not None:
        return binary, Task.BINARY, ()
    several = {c.name: c.values for c in columns if c.kind == "text" and 2 <= len(c.values) <= MAX_CLASSES}
    fitting = [c for c in columns if c.name in several and all(re.fullmatch(CLASS_NAME, v) for v in c.values)]
    name = _named(_ANY_LABEL, fitting)
    if name is not None:
        return name, Task.MULTICLASS, several[name]
    number = _named(_ANY_LABEL, (c for c in columns if c.kind in ("integer", "real") and c.distinct > 2))
    return number, Task.REGRESSION if number else Task.BINARY, ()


def our_names(columns: Iterable[ColumnProfile]) -> dict[str, str]:
    """The file's name → ours, no two the same: the later of two that would be gets a number."""
    names: dict[str, str] = {}
    for column in columns:
        name, n = our_name(column.name), 2
        while name in names.values():
            name, n = f"{our_name(column.name)[:60]}_{n}", n + 1
        names[column.name] = name
    return names


def our_name(column: str) -> str:
    """A column name that a charter allows: `Order value (€)` → `order_value`; a reserved one gets a tail.

    >>> our_name("Order value (€)"), our_name("source"), our_name("1st")
    ('order_value', 'source_value', 'c_1st')
    """
    name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") or "column"
    name = name if name[0].isalpha() else f"c_{name}"
    return (f"{name}_value" if name in RESERVED else name)[:63]


def _named(patterns: Iterable[str], columns: Iterable[ColumnProfile], any_name: bool = False) -> str | None:
    """The column whose name fits the earliest pattern; with `any_name`, else the first one."""
    found = list(columns)
    for pattern in patterns:
        for column in found:
            if re.search(pattern, column.name.lower()):
                return column.name
    return found[0].name if any_name and found else None


def _kind(column: ColumnProfile) -> Kind:
    if column.kind == "timestamp":
        return "timestamp"
    if column.binary:
        return "flag"
    if column.kind in ("integer", "real"):
        return "number"
    return "category" if column.distinct <= min(MAX_CATEGORIES, max(2, column.rows // 2)) else "text"


_LABELS = {Task.BINARY: "1 or 0", Task.MULTICLASS: "one of the classes", Task.REGRESSION: "a number"}

# -- writing it down --------------------------------------------------------------------------------------------


def _lines(path: Path, name: str, rows: int, guess: Guess) -> list[str]:
    names = our_names(c for c, _ in (*guess.features, *guess.context))
    return [
        f"# Drafted from {path.name} ({rows:,} rows looked at). Lines marked EDIT are guesses: confirm or correct each.",
        "",
        "[loop]",
        f"name = {_text(name)}",
        f"title = {_text(name.replace('_', ' ').capitalize())}  # EDIT: what people call it",
        'purpose = "Which question does the model answer, and when?"  # EDIT',
        *_task(guess),
        *(['timezone = "UTC"  # EDIT: the zone of times that carry none'] if guess.naive else []),
        "",
        "[roles]",
        'owner = "owner"  # EDIT: who answers for the loop',
        "",
        *_contract(guess, names),
        "# EDIT: inputs of the model; take out what is not known yet when it predicts (a delivery date, a final sum).",
        "# A value outside `min`, `max` or `values` sends its row to the quarantine.",
        *(line for column, kind in guess.features for line in _column("features", names[column.name], column, kind)),
        *(["# Known at prediction time, but no input."] if guess.context else []),
        *(line for column, kind in guess.context for line in _column("context", names[column.name], column, kind)),
        "[labels]",
        "horizon_days = 30  # EDIT: after so many days a prediction without label is given up",
        "",
        *_cohorts(guess, names),
        *_metrics(guess.task),
        *_mutations(guess, names),
        "[[triggers]]",
        'kind = "schedule"',
        "every_days = 91  # EDIT",
        "",
    ]


def _task(guess: Guess) -> list[str]:
    if guess.task is Task.MULTICLASS:
        return [
            'task = "multiclass"',
            f"classes = [{', '.join(_text(name) for name in guess.classes)}]  # EDIT: all there are? Scores: score_<class>",
        ]
    if guess.task is Task.REGRESSION:
        return ['task = "regression"', 'unit = ""  # EDIT: what the label counts or measures']
    return [f"positive = {_text(guess.label or 'yes')}  # EDIT: what label 1 means"]


def _metrics(task: Task) -> list[str]:
    """Two metrics of the task, each with a margin to think about."""
    margins = [("mae", "1.0"), ("rmse", "1.0")] if task is Task.REGRESSION else [("log_loss", "0.005"), ("auc", "0.01")]
    (first, margin), (second, other) = margins
    return [
        "[[metrics]]",
        f"name = {_text(first)}",
        f"margin = {margin}  # EDIT: losing less than this counts as not worse",
        "",
        "[[metrics]]",
        f"name = {_text(second)}",
        f"margin = {other}  # EDIT",
        "",
    ]


def _contract(guess: Guess, names: Mapping[str, str]) -> list[str]:
    """Where the file's names differ from ours, and which of its columns are no part of a prediction."""
    own = {"prediction_id": guess.id, "predicted_at": guess.time, "entity_id": guess.entity, "score": guess.score}
    renamed = {ours: theirs for theirs, ours in names.items() if ours != theirs}
    mapped = {ours: theirs for ours, theirs in own.items() if theirs and theirs != ours} | renamed
    why = {"prediction_id": "no two rows share it", "predicted_at": "when the prediction is made"}
    lines = ["# Our name = the file's name.", "[contract.predictions]"]
    lines += (
        [f"ignore = [{_text(guess.label)}]  # the label is an outcome, not known when predicting"]
        if guess.label
        else []
    )
    lines += ["", "[contract.predictions.columns]"]
    lines += [
        f"{ours} = {_text(theirs)}{f'  # EDIT: {why[ours]}' if ours in why else ''}" for ours, theirs in mapped.items()
    ]
    lines += [
        f'# EDIT: no column was recognised: {ours} = "…"'
        for ours in ("prediction_id", "predicted_at")
        if own[ours] is None
    ]
    lines += ["", "[contract.outcomes]", 'ignore = ["*"]', "", "[contract.outcomes.columns]"]
    lines += [f"prediction_id = {_text(guess.id)}"] if guess.id and guess.id != "prediction_id" else []
    if guess.label != "label":
        lines += [
            f"label = {_text(guess.label)}  # EDIT: {_LABELS[guess.task]}"
            if guess.label
            else '# EDIT: no column was recognised: label = "…"'
        ]
    return [*lines, '# EDIT: observed_at = "…", the time at which each label became known', ""]


def _column(table: str, name: str, column: ColumnProfile, kind: Kind) -> list[str]:
    lines = [f"[[{table}]]", f"name = {_text(name)}", f"type = {_text(kind)}"]
    if kind == "number":
        lines += [f"{'min = 0  ' if (column.low or 0) >= 0 else ''}# seen {column.low:g} … {column.high:g}"]
    if kind == "category":
        listed = column.rows >= MIN_ROWS and column.distinct <= MAX_LISTED
        values = ", ".join(_text(value) for value in column.values)
        lines += [f"values = [{values}]  # EDIT: all there are?" if listed else f"# seen {column.distinct} values"]
    if column.nulls:
        lines += [f"# {column.nulls / column.rows:.1%} missing"]
    elif kind != "text":
        lines += ["nullable = false"]
    return [*lines, ""]


def _cohorts(guess: Guess, names: Mapping[str, str]) -> list[str]:
    """Groups worth watching: few values, each with enough rows."""
    fitting = [
        c
        for c, kind in (*guess.features, *guess.context)
        if kind in ("category", "flag") and 2 <= c.distinct <= MAX_COHORT
    ]
    lines = (
        ["# EDIT: groups in which a model must not get worse; `protected = true` where it must also treat them alike"]
        if fitting
        else ["# EDIT: no column with few values for [[cohorts]]"]
    )
    for column in fitting[:MAX_COHORTS]:
        lines += ["[[cohorts]]", f"name = {_text(names[column.name])}", ""]
    return lines if fitting else [*lines, ""]


def _mutations(guess: Guess, names: Mapping[str, str]) -> list[str]:
    """An example to fill in, commented out: only the owner knows how exactly a value is measured."""
    number = next((column for column, kind in guess.features if kind == "number"), None)
    if number is None:
        return []
    return [
        "# EDIT: a small change of an input that must not move a score far; without one nothing is tested",
        "# [[mutations]]",
        f"# feature = {_text(names[number.name])}",
        '# change = "noise"  # or "unit" with a factor, "null", or "unseen" of a category',
        "# step = 1.0  # as exactly as it is measured",
        f"# bound = {1.0 if guess.task is Task.REGRESSION else 0.05}  # so far may a score move",
        "",
    ]


def _text(value: str | None) -> str:
    # A JSON string is a TOML basic string, but for the delete character.
    return json.dumps(value or "", ensure_ascii=False).replace("\x7f", "\\u007f")
