"""Results as the stages give them, small and by hand: what charts are drawn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from loop_core.compare import Cell
from loop_core.labels.completeness import CompletenessPoint
from loop_core.monitor import DriftScore, HealthPoint, PerformancePoint
from loop_core.monitor.boundary import ScoreBand, ScoreBands
from loop_core.monitor.estimate.point import EstimatedPoint
from loop_core.monitor.intake import BatchLine
from loop_core.monitor.reliability import ReliabilityBin, ReliabilityCurve
from loop_core.policies import PolicyReplay, PolicyRun, ReplayedRetrain, WindowValue
from loop_core.retrain.live import LiveSearch, LiveTrial
from loop_core.vocabulary import Delivery, State, Verdict

START, WEEK = datetime(2018, 1, 1, tzinfo=UTC), timedelta(days=7)


def window(week: int) -> dict[str, Any]:
    return {
        "window_start": START + week * WEEK,
        "window_end": START + (week + 1) * WEEK,
        "cohort": None,
        "cohort_value": None,
    }


def drift(features: int = 3, weeks: int = 4) -> list[DriftScore]:
    """The last feature drifts in the newest window; the first has too few rows in the oldest."""
    return [_score(f, w, features, weeks) for f in range(features) for w in range(weeks)]


def _score(feature: int, week: int, features: int, weeks: int) -> DriftScore:
    few, moved = feature == 0 and week == 0, feature == features - 1 and week == weeks - 1
    value = None if few else 0.5 if moved else 0.01 * feature
    state = State.TOO_FEW if few else State.ALARM if moved else State.OK
    return DriftScore(
        feature=f"f{feature}", method="psi", value=value, threshold=0.06, p_value=0.2, q_value=0.4, folklore=0.1,
        n_reference=9000, n_current=700, state=state, **window(week),
    )  # fmt: skip


def by_region(values: tuple[str, ...] = ("north", "south", "west")) -> list[DriftScore]:
    """One feature in one window: the last value moved most, and is over its threshold."""
    one = _score(1, 0, 3, 4)
    last = len(values) - 1
    return [
        replace(one, cohort="region", cohort_value=value, value=0.03 * (k + 1), state=State.ALARM if k == last else State.OK)
        for k, value in enumerate(values)
    ]  # fmt: skip


def performance(weeks: int = 6, pending: int = 2) -> list[PerformancePoint]:
    return [_point(week, week >= weeks - pending) for week in range(weeks)]


def _point(week: int, pending: bool) -> PerformancePoint:
    value = None if pending else 0.6 + 0.01 * week
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    return PerformancePoint(
        metric="log_loss", model_version="a" * 16 if week < 2 else "b" * 16, value=value, ci_low=low, ci_high=high, n=800,
        mature_share=0.4 if pending else 1.0, state=State.PENDING if pending else State.OK, **window(week),
    )  # fmt: skip


def estimated(weeks: int = 6) -> list[EstimatedPoint]:
    return [
        EstimatedPoint(
            metric="log_loss", model_version="b" * 16, value=0.61, ci_low=0.58, ci_high=0.64, threshold_low=0.5, threshold_high=0.7,
            n=800, state=State.OK, **window(week),
        )
        for week in range(weeks)
    ]  # fmt: skip


def cohort_points(metric: str = "log_loss") -> tuple[list[PerformancePoint], list[PerformancePoint]]:
    """(values of a cohort, everybody) in one window: RJ is surely worse, SP surely better, AC has too few rows, MG waits."""
    everybody = replace(_point(0, False), metric=metric, value=0.6, ci_low=0.58, ci_high=0.62)

    def of(value: str, shrunk: float | None, **more: Any) -> PerformancePoint:
        low, high = (None, None) if shrunk is None else (shrunk - 0.02, shrunk + 0.02)
        return replace(
            everybody, cohort="state", cohort_value=value, value=shrunk, shrunk=shrunk, shrunk_ci_low=low, shrunk_ci_high=high, **more
        )  # fmt: skip

    groups = [
        of("SP", 0.5),
        of("RJ", 0.8),
        of("AC", 0.61, small=True, n=12),
        of("MG", None, state=State.PENDING, mature_share=0.3),
    ]
    return groups, [everybody]


def curve(value: str | None = None, week: int = 0, bins: int = 5) -> ReliabilityCurve:
    points = tuple(
        ReliabilityBin(
            score=0.1 * (k + 1), share=0.1 * (k + 1), ci_low=0.1 * k + 0.05, ci_high=0.1 * (k + 1) + 0.05, n=160
        )
        for k in range(bins)
    )
    known = bool(bins)
    return ReliabilityCurve(
        **(window(week) | {"cohort": "state" if value else None, "cohort_value": value}), model_version="b" * 16, n=800, bins=points,
        ece=0.02 if known else None, ece_ci_low=0.01 if known else None, ece_ci_high=0.03 if known else None, brier=0.1, reliability=0.01,
        resolution=0.02, uncertainty=0.11, slope=0.9, slope_ci_low=0.8, slope_ci_high=1.0, intercept=0.1, intercept_ci_low=0.0,
        intercept_ci_high=0.2, state=State.OK if known else State.TOO_FEW,
    )  # fmt: skip


def bands(labelled: bool = True) -> ScoreBands:
    twenty = tuple(
        ScoreBand(
            low=k / 20, high=(k + 1) / 20, n=40, share=0.05, n_labelled=30 if labelled else 0, error_share=0.2 if labelled else None,
            ci_low=0.1 if labelled else None, ci_high=0.3 if labelled else None,
        )
        for k in range(20)
    )  # fmt: skip
    return ScoreBands(
        **window(0), model_version="b" * 16, threshold=0.31, bands=twenty, near_share=0.1, near_error_share=0.4, near_ci_low=0.3,
        near_ci_high=0.5, n=800, n_labelled=600,
    )  # fmt: skip


def completeness(values: tuple[str | None, ...] = (None,), days: int = 400) -> list[CompletenessPoint]:
    return [
        CompletenessPoint(
            age_days=float(age), share=min(0.99, age / 40), ci_low=max(0.0, age / 40 - 0.05), ci_high=min(1.0, age / 40 + 0.05),
            cohort="state" if value else None, cohort_value=value, n=1000, horizon_share=0.99,
        )
        for value in values
        for age in range(days)
    ]  # fmt: skip


def batches(days: int = 3) -> list[BatchLine]:
    return [
        BatchLine(
            batch_id=f"b{k}", signal=Delivery.PREDICTIONS, source="x.parquet", arrived_at=START + timedelta(days=k), actor="ana",
            received=100, accepted=90, quarantined=6, unchanged=4, conflicting=0, state="ingested", notes="",
            reason=None,
        )
        for k in range(days)
    ]  # fmt: skip


def health(weeks: int = 4, latency: float | None = 40.0) -> list[HealthPoint]:
    high = None if latency is None else 3 * latency
    return [
        HealthPoint(
            n=700 + w, newest_at=START + (w + 1) * WEEK, latency_p50_ms=latency, latency_p95_ms=high, latency_p99_ms=high, error_share=0.01,
            error_ci_low=0.005, error_ci_high=0.02, rating_mean=4.1, rating_ci_low=4.0, rating_ci_high=4.2, n_ratings=300,
            score_p10=0.05, score_p50=0.1, score_p90=0.3, **window(w),
        )
        for w in range(weeks)
    ]  # fmt: skip


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
        difference=difference, ci_low=low, ci_high=high, margin=0.01, verdict=verdict, rows_needed=None, method="paired t", reason=None,
    )  # fmt: skip


CELLS = [
    cell("SP", 0.02, Verdict.BETTER),
    cell(None, 0.012, Verdict.BETTER),
    cell("RJ", -0.03, Verdict.WORSE),
    cell("AC", None, Verdict.NOT_APPLICABLE),
]


def policies(weeks: int = 6) -> PolicyReplay:
    """One policy that was tried, and the baselines; the newest week has no label yet."""
    names = {"tried": 1, "never": 0, "every_week": weeks - 1, "every 4 weeks": 1}
    runs = tuple(_policy(name, count, weeks) for name, count in names.items())
    return PolicyReplay(
        "orders", "log_loss", START, START + weeks * WEEK, 7.0, START + 20 * WEEK, 0, 60, 1, "h", "every 4 weeks", runs
    )


def _policy(name: str, count: int, weeks: int) -> PolicyRun:
    spans = [(START + k * WEEK, START + (k + 1) * WEEK) for k in range(weeks)]
    windows = tuple(
        WindowValue(*span, *((0.3 + 0.01 * count, 100) if k < weeks - 1 else (None, 0)), 1.0)
        for k, span in enumerate(spans)
    )
    retrains = tuple(ReplayedRetrain(spans[k + 1][0], ("drift",), "…", 1_000, START, START, 0.5) for k in range(count))
    return PolicyRun(name, retrains, windows, 0.3 + 0.01 * count, 500, 0.01, 0.0, 0.02, 0.5 * count, 60.0 * count)


def search(states: tuple[str, ...] = ("complete", "pruned", "fail", "complete")) -> LiveSearch:
    """Trials, the last of them the best."""
    trials = tuple(
        LiveTrial(
            k, state, None if state == "fail" else 0.5 - k / 100, 0.5 - k / 100, START, 1.5, {"num_leaves": 7}, ""
        )
        for k, state in enumerate(states)
    )
    return LiveSearch(trials, 0.5 if trials else None, {"num_leaves": 1.0})
