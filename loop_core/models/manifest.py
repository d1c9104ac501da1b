"""What is known about a model: enough to score with it, to compare it fairly and to train it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from loop_core.frames import to_json
from loop_core.vocabulary import Task

Kind = Literal["lightgbm", "external"]
_INSTANTS = ("as_of", "train_start", "train_end")


@dataclass(frozen=True)
class Manifest:
    """The identity card of a model package."""

    loop: str
    as_of: datetime
    """UTC instant of the loop at which it was trained; no label known later was used."""
    features: tuple[str, ...] = ()
    """Model inputs, in the model's column order."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Feature → number, category, flag or timestamp."""
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Category feature → values; a value's code is its place in the list."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """LightGBM parameters, with the number of trees as `num_iterations`."""
    snapshot: int | None = None
    """Lake snapshot that the training set was read from."""
    train_start: datetime | None = None
    """First instant of the training window; None: unknown (external)."""
    train_end: datetime | None = None
    """No row predicted at or after this was seen by training, tuning or calibration; None: unknown (external)."""
    charter_hash: str = ""
    seed: int = 0
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Library → version."""
    parent: str | None = None
    """The champion when it was trained, whose parameters were the search's first trial."""
    n_rows: int = 0
    """Rows it was fitted on."""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    """Validation results: `log_loss`, `brier`, `auc`, `objective`, … None: not estimable."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of the validation results that have one: 95 %."""
    calibrated: float | None = None
    """Expected calibration error on the validation rows before the calibration map, 0..1; None: not measured."""
    checks: Mapping[str, str] = field(default_factory=dict)
    """What was looked at in the training rows → `ok`, `watch` or `not_applicable`, and the sentence."""
    notes: tuple[str, ...] = ()
    """What a reader should know: fewer folds than asked, no search possible, …"""
    kind: Kind = "lightgbm"
    task: Task = Task.BINARY
    """What it predicts."""
    classes: tuple[str, ...] = ()
    """Multiclass: its classes, in the order of its probabilities."""
    threshold: float | None = None
    """Binary: from this calibrated score on the charter's costs make yes the cheaper answer; None: it names no costs."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        fields: dict[str, Any] = to_json(self)
        return fields

    def text(self) -> str:
        """The canonical file content: the same manifest is the same bytes."""
        return canonical(self.to_json())

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Manifest:
        """Read `to_json` back."""
        values = {f.name: stored[f.name] for f in dataclasses.fields(cls) if f.name in stored}
        for name in _INSTANTS:
            values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
        for name in ("features", "notes", "classes"):
            values[name] = tuple(values.get(name, ()))
        values["intervals"] = {name: tuple(ends) for name, ends in values.get("intervals", {}).items()}
        values["task"] = Task(values.get("task", Task.BINARY))
        values["categories"] = {name: tuple(items) for name, items in values["categories"].items()}
        return cls(**values)


def canonical(value: Any) -> str:
    """The one readable JSON text of a value: sorted keys, one space of indent, a newline at the end, no NaN."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
