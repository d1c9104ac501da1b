"""The models of a loop as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.numbers import apart
from app.widgets import short, spaced, table
from loop_core.models import ModelView


def models_table(models: Sequence[ModelView], served: Sequence[str], metrics: Sequence[str]) -> None:
    """Newest first, with what each was trained on and how it did in validation.

    Args:
        models: newest first.
        served: versions that serve or served, the champion first.
        metrics: validation results worth a column; the rest stands in the manifest.
    """
    day = st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC")
    rows = [_row(model, _state(model.version, served), metrics) for model in models]
    columns: dict[str, Any] = {
        "trained": day,
        "from": day,
        "to": day,
        "rows": st.column_config.NumberColumn(format="localized"),
    }
    columns |= apart(rows, map(spaced, metrics), down=True)
    table(
        rows,
        "models",
        columns,
        "Models, newest first",
    )


def _state(version: str, served: Sequence[str]) -> str:
    if version not in served:
        return "○ challenger"
    return "● champion" if version == served[0] else "– served before"


def _row(model: ModelView, state: str, metrics: Sequence[str]) -> dict[str, Any]:
    return {
        "model": short(model.version),
        "state": state,
        "trained": model.registered_at,
        "rows": model.n_rows or None,
        "from": model.train_start,
        "to": model.train_end,
        "parent": short(model.parent),
        "by": model.actor,
        **{spaced(name): model.metrics.get(name) for name in metrics},
    }
