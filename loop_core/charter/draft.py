"""The columns of a data file → a first charter for its owner to edit: types, ranges, categories, the likely id, time, label,
cohorts. Guesses are marked `EDIT` with what they rest on; `signals.draft` reads the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from loop_core.charter.contract import year_before
from loop_core.charter.guess import MAX_COHORT, MAX_COHORTS, Guess, Kind, guess_columns, our_names
from loop_core.charter.parse import parse_charter
from loop_core.charter.profile import BESIDE, ColumnProfile
from loop_core.errors import SourceError
from loop_core.vocabulary import Task

#: Fewer categories than this in a sample of at least MIN_ROWS are taken to be all there are.
MAX_LISTED, MIN_ROWS = 12, 1000
_LABELS = {Task.BINARY: "1 or 0", Task.MULTICLASS: "one of the classes", Task.REGRESSION: "a number"}


def draft_text(columns: Sequence[ColumnProfile], source: str, *, name: str) -> str:
    """Draft `loops/<name>.toml` from the columns of a source of predictions.

    Args:
        columns: from `profile_source`.
        source: the file's name, for people.
        name: the loop's name.

    Returns:
        TOML text that `parse_charter` accepts. Lines marked EDIT are guesses for its owner to confirm.

    Raises:
        SourceError: no column could be a feature.
        CharterError: `name` is no name for a loop.
    """
    beside = tuple(column.name for column in columns if BESIDE.match(column.name))
    guess = guess_columns([column for column in columns if column.name not in beside])
    if not guess.features:
        raise SourceError(
            f"No column of {source} could be a feature",
            "numbers, yes/no or categories",
            "give the file that the model sees",
        )
    text = "\n".join(_lines(source, name, columns, guess, beside))
    parse_charter(text, f"draft of {name}")
    return text


def _lines(
    source: str, name: str, columns: Sequence[ColumnProfile], guess: Guess, beside: tuple[str, ...]
) -> list[str]:
    names = our_names(c for c, _ in (*guess.features, *guess.context))
    return [
        f"# Drafted from {source} ({columns[0].rows:,} rows looked at). Lines marked EDIT are guesses: confirm or correct each.",
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
        *_contract(guess, names, columns, beside),
        *_gates(guess),
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


def _contract(
    guess: Guess, names: Mapping[str, str], columns: Sequence[ColumnProfile], beside: tuple[str, ...]
) -> list[str]:
    """Where the file's names differ from ours, and which of its columns are no part of a prediction."""
    own = {"prediction_id": guess.id, "predicted_at": guess.time, "entity_id": guess.entity, "score": guess.score}
    renamed = {ours: theirs for theirs, ours in names.items() if ours != theirs}
    mapped = {ours: theirs for ours, theirs in own.items() if theirs and theirs != ours} | renamed
    why = {"prediction_id": "no two rows share it", "predicted_at": "when the prediction is made"}
    lines = ["# Our name = the file's name.", "[contract.predictions]"]
    ignored = [*([guess.label] if guess.label else []), *beside]
    why_not = "  # the label is an outcome, not known when predicting" if guess.label else ""
    lines += [f"ignore = [{', '.join(map(_text, ignored))}]{why_not}"] if ignored else []
    ours = {**names, **{theirs: own_name for own_name, theirs in own.items() if theirs}}
    lines += _spelling({ours[c.name]: c for c in columns if c.name in ours})
    lines += ["", "[contract.predictions.columns]"]
    lines += [
        f"{ours} = {_text(theirs)}{f'  # EDIT: {why[ours]}' if ours in why else ''}" for ours, theirs in mapped.items()
    ]
    lines += [
        f'# EDIT: no column was recognised: {ours} = "…"'
        for ours in ("prediction_id", "predicted_at")
        if own[ours] is None
    ]
    lines += [
        "",
        "[contract.outcomes]",
        'ignore = ["*"]',
        *_spelling(dict(zip(["label"], [c for c in columns if c.name == guess.label], strict=False))),
        "",
        "[contract.outcomes.columns]",
    ]
    lines += [f"prediction_id = {_text(guess.id)}"] if guess.id and guess.id != "prediction_id" else []
    if guess.label != "label":
        lines += [
            f"label = {_text(guess.label)}  # EDIT: {_LABELS[guess.task]}"
            if guess.label
            else '# EDIT: no column was recognised: label = "…"'
        ]
    return [*lines, '# EDIT: observed_at = "…", the time at which each label became known', ""]


def _spelling(columns: Mapping[str, ColumnProfile]) -> list[str]:
    """How a source spells times, numbers and flags, where that needs saying; columns by our names."""
    lines = []
    times = {ours: column.time_format for ours, column in columns.items() if column.kind == "timestamp"}
    formats = {ours: format for ours, format in times.items() if format}
    if formats:
        one = set(times.values()) == set(formats.values()) and len(set(formats.values())) == 1
        pairs = ", ".join(f"{ours} = {_text(format)}" for ours, format in formats.items())
        said = _text(next(iter(formats.values()))) if one else f"{{ {pairs} }}"
        lines.append(f"time_format = {said}  # EDIT: day, month and year in their order?")
    if any(column.comma for column in columns.values()):
        lines.append('decimal = ","  # EDIT: the comma is a decimal mark')
    words = dict.fromkeys(column.words for column in columns.values() if column.words)
    for key, place in (("true_values", 0), ("false_values", 1)):
        listed = ", ".join(dict.fromkeys(_text(pair[place]) for pair in words if pair[place]))
        lines += [f"{key} = [{listed}]"] if listed else []
    return lines


def _gates(guess: Guess) -> list[str]:
    """From when on rows are let in: a year before the file's begin, so that strays of another decade are held back."""
    if guess.early is None:
        return []
    since = year_before(guess.early)
    return [
        "[gates]",
        f"since = {since}  # EDIT: rows from before are held back; but for strays the file begins {guess.early}",
        "",
    ]


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
