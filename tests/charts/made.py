"""Results as the stages give them, small and by hand: what charts are drawn from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from loop_core.compare import Cell
from loop_core.vocabulary import State, Verdict

START, WEEK = datetime(2018, 1, 1, tzinfo=UTC), timedelta(days=7)


def window(week: int) -> dict[str, Any]:
    return {
        "window_start": START + week * WEEK,
        "window_end": START + (week + 1) * WEEK,
        "cohort": None,
        "cohort_value": None,
    }


def drift(features: int = 3, weeks: int = 4) -> list[Any]:
    """The last feature drifts in the newest window; the first is pending in the oldest."""
    return [_score(f, w, features, weeks) for f in range(features) for w in range(weeks)]


def _score(feature: int, week: int, features: int, weeks: int) -> Any:
    pending, moved = feature == 0 and week == 0, feature == features - 1 and week == weeks - 1
    value = None if pending else 0.5 if moved else 0.01 * feature
    state = State.TOO_FEW if pending else State.ALARM if moved else State.OK
    counts = {"threshold": 0.06, "folklore": 0.2, "n_reference": 9000, "n_current": 700}
    return SimpleNamespace(feature=f"f{feature}", method="psi", value=value, state=state, **counts, **window(week))


def performance(weeks: int = 6, pending: int = 2) -> list[Any]:
    return [_point(week, week >= weeks - pending) for week in range(weeks)]


def _point(week: int, pending: bool) -> Any:
    value = None if pending else 0.6 + 0.01 * week
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    return SimpleNamespace(
        metric="log_loss", model_version="a" * 16 if week < 2 else "b" * 16, value=value, ci_low=low, ci_high=high, n=800,
        mature_share=0.4 if pending else 1.0, state=State.PENDING if pending else State.OK, **window(week),
    )  # fmt: skip


def health(weeks: int = 4, latency: float | None = 40.0) -> list[Any]:
    high = None if latency is None else 3 * latency
    return [
        SimpleNamespace(n=700 + w, latency_p50_ms=latency, latency_p95_ms=high, error_share=0.01, **window(w))
        for w in range(weeks)
    ]


def ratings(weeks: int = 4, values: tuple[str | None, ...] = (None,)) -> list[Any]:
    counts = {
        "n": 400,
        "n_rated": 300,
        "rating_mean": 4.1,
        "rating_ci_low": 4.0,
        "rating_ci_high": 4.2,
        "low_share": 0.1,
        "model_version": None,
    }
    return [
        SimpleNamespace(**counts, **(window(w) | {"cohort_value": value})) for value in values for w in range(weeks)
    ]


def cell(cohort_value: str | None, difference: float | None, verdict: Verdict) -> Cell:
    low, high = (None, None) if difference is None else (difference - 0.01, difference + 0.01)
    return Cell(
        metric="log_loss", block="goal", cohort="state" if cohort_value else None, cohort_value=cohort_value, n=900, champion=0.2, challenger=0.2,
        difference=difference, ci_low=low, ci_high=high, margin=0.01, verdict=verdict, rows_needed=None, method="paired t", reason="",
    )  # fmt: skip


CELLS = [
    cell("SP", 0.02, Verdict.BETTER),
    cell(None, 0.012, Verdict.BETTER),
    cell("RJ", -0.03, Verdict.WORSE),
    cell("AC", None, Verdict.NOT_APPLICABLE),
]
