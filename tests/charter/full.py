"""A charter of the loop `orders` with every section and every optional key set, and what it is without one of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from loop_core.charter import Charter

Path = tuple[str, ...]

_RULES: dict[str, Any] = {
    "min_rows": 1,
    "max_rows": 100_000,
    "max_age_days": 30.0,
    "max_duplicate_share": 0.5,
    "max_quarantine_share": 0.4,
    "max_null_share": {},
    "weekday_rows": {"mon": (0, 100_000)},
    "on_breach": "warn",
    "on_anomaly": "off",
}
_SIGNAL: dict[str, Any] = {"columns": {}, "ignore": ("*",), "on_conflict": "update"}
_COLUMN: dict[str, Any] = {"nullable": True, "about": "what it is"}
_CAUSE: dict[str, Any] = {"tier": "event", "asks": ("ana",), "cooldown_days": 7, "min_new_labels": 1}
FULL: dict[str, Any] = {
    "loop": {
        "name": "orders", "title": "Late deliveries", "purpose": "Will it be late?", "task": "binary", "positive": "late",
        "timezone": "UTC", "clock": "data",
    },
    "roles": {"owner": "ana", "approvers": ("bea",)},
    "goals": ({"text": "Warn early", "metric": "log_loss", "target": 0.4},),
    "contract": {"predictions": _SIGNAL, "outcomes": _SIGNAL, "feedback": _SIGNAL},
    "features": (
        {"name": "price", "type": "number", "min": 0.0, "max": 1e6, "unit": "BRL", "monotone": 1, **_COLUMN},
        {"name": "weight", "type": "number", **_COLUMN},
        {"name": "state", "type": "category", "values": ("SP", "RJ", "BA"), **_COLUMN},
    ),
    "context": (
        {"name": "promised_at", "type": "timestamp", **_COLUMN},
        {"name": "stock", "type": "number", "min": 0.0, "max": 1e6, "unit": "pieces", "monotone": 0, **_COLUMN},
        {"name": "shop", "type": "category", "values": ("a", "b"), **_COLUMN},
    ),
    "rules": ({"name": "cheap", "signal": "predictions", "check": "price < 1e5"},),
    "gates": {"since": "2000-01-01", "predictions": _RULES, "outcomes": _RULES, "feedback": _RULES},
    "labels": {"horizon_days": 20.0, "min_mature_share": 0.95},
    "costs": {"false_alarm": 1.0, "miss": 3.0},
    "cohorts": (
        {"name": "state", "protected": True, "min_rows": 20, "max_values": 5, "must_decide": True},
        {"name": "dear", "expression": "price > 50"},
    ),
    "metrics": (
        {"name": "log_loss", "block": "goal", "margin": 0.01, "cohort_margin": 0.03},
        {"name": "cost", "block": "guardrail", "margin": 0.1},
    ),
    "monitor": {
        "window_days": 30, "reference_days": 60, "min_rows": 20, "false_alarms_per_month": 1.0, "alarm_times": 1,
        "alarm_of": 2, "trend_windows": 3, "latency_p95_ms": 200.0, "max_error_share": 0.1, "min_rating_drop": 0.4,
        "min_shift": 0.2,
    },
    "alerts": {"owners": {"drift": "bea"}, "deliver_from": "watch", "escalate_after_days": 2.0, "escalate_to": "bea"},
    "triggers": (
        {"kind": "schedule", "every_days": 30, "seconds_per_month": 600.0, **_CAUSE},
        {"kind": "schedule", "cron": "0 6 1 * *"},
        {"kind": "drift", "min_features": 2},
        {"kind": "performance", "metric": "log_loss", "basis": "realised", "min_rise": 0.1},
        {"kind": "feedback", "max_low_share": 0.5},
        {"kind": "label_volume", "min_labels": 100_000},
        {"kind": "any", "of": ({"kind": "every_week"},)},
    ),
    "retrain": {
        "window_days": 70, "comparison_days": 20, "folds": 2, "trials": 2, "seconds": 20.0, "month_seconds": 100.0,
        "patience": 3, "memory_mb": 1_000, "half_life_days": 30.0, "cohort_weights": {"state": {"SP": 2.0}},
        "balanced": True, "worst_cohort_weight": 0.1, "min_rows": 100, "executor": "local",
        "space": {
            "learning_rate": (0.05, 0.2), "num_leaves": (4, 8), "min_data_in_leaf": (10, 20), "feature_fraction": (0.5, 1.0),
            "bagging_fraction": (0.5, 1.0), "lambda_l2": (0.1, 1.0), "cat_smooth": (1.0, 10.0),
        },
    },
    "compare": {
        "slices": "gate", "slice_min_rows": 50, "slice_depth": 1, "slice_fdr": 0.05, "fairness_margin": 0.5,
        "cohort_pairs": (("state", "dear"),), "overriders": ("bea",),
    },
    "mutations": (
        {"feature": "price", "change": "noise", "step": 0.1, "bound": 0.5, "max_share": 0.1},
        {"feature": "price", "change": "unit", "factor": 100.0, "bound": 0.9},
    ),
    "rollout": {"approvals": 1, "stages": (1.0,), "auto_rollback": True, "auto_release": False},
}  # fmt: skip
#: Keys that only another task has: their place in a charter is tested there.
OF_OTHER_TASKS = {("loop", "classes"), ("loop", "unit"), ("metrics", "quantile")}


def optional_paths(model: type[BaseModel] = Charter, above: Path = ()) -> Iterator[Path]:
    """Every section and key that a charter may leave out, as the models declare them."""
    for name, field in model.model_fields.items():
        if not field.is_required():
            yield (*above, name)
        inner = _model_in(field.annotation)
        # A trigger may be made of triggers: what they may leave out is what it may.
        if inner is not None and inner is not model:
            yield from optional_paths(inner, (*above, name))


def without(path: Path) -> dict[str, Any]:
    """`FULL` without a section or key; what names a cohort that is gone goes with it."""
    left: dict[str, Any] = copy.deepcopy(FULL)
    remove(left, path)
    if path == ("cohorts",):
        remove(left, ("compare", "cohort_pairs"))
        remove(left, ("retrain", "cohort_weights"))
    if path == ("costs",):
        left["metrics"] = left["metrics"][:1]
    return left


def _items(value: Any) -> list[Any]:
    if isinstance(value, tuple) and value and isinstance(value[0], dict):
        return list(value)
    return [] if value is None else [value]


def remove(part: Any, path: Path) -> None:
    for item in _items(part):
        if len(path) == 1:
            item.pop(path[0], None)
        elif path[0] in item:
            remove(item[path[0]], path[1:])


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one)) is not None), None)
