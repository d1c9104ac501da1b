"""What each column of a data file seems to be: id, time, label, score, entity, feature or context; by names and by values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from loop_core.charter.contract import RESERVED
from loop_core.charter.part import CLASS_NAME
from loop_core.charter.profile import ColumnProfile
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    r"^(target|y|y_true|actual|outcome|class)$",
    r"^(is_|has_)?(late|churn|default|fraud|converted|cancel)",
    r"label|target|outcome",
)
#: Names so plain that the column is the label even where it is no yes or no.
_ANY_LABEL = _LABEL[:2]
_SCORE = (r"^(score|probability|prediction|proba|p_hat|y_(pred|prob|proba|score|hat))$", r"score|proba")
_NUMBER = (r"^(score|prediction|predicted|y_pred|y_hat|forecast)$", r"predict|forecast")
_ENTITY = (r"^entity_id$", r"(customer|user|client|account|member|patient|seller).*id$")
#: Columns of a prediction that keep their name and part.
_OWN = frozenset({"model_version", "route", "latency_ms", "error"})
#: More categories than this make a text, not a category; a cohort has at most MAX_COHORT of them.
MAX_CATEGORIES, MAX_COHORT, MAX_COHORTS = 200, 20, 4
#: More classes than this are no label that somebody would tell apart.
MAX_CLASSES = 30


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
    early: date | None = None
    """The day before which one in a hundred predictions is; None: no column tells their time."""


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
        next((c.early for c in columns if c.name == time), None),
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
