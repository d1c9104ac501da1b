"""One alert for one probable cause: same cohort, same source, same days, upstream first."""

from __future__ import annotations

import random

import pytest

from loop_core.alerts import group
from loop_core.monitor import Finding
from tests.alerts.made import WEEK, finding
from tests.conftest import START

TODAY = (START - WEEK, START)
OLD = {"window_start": START - 9 * WEEK, "window_end": START - 8 * WEEK}
NORTH, SOUTH = ({"cohort": "region", "cohort_value": value} for value in ("north", "south"))


def told(*findings: Finding) -> list[tuple[str, list[str]]]:
    return [(one.cause, [f"{f.code}:{f.subject}" for f in one.findings]) for one in group(findings, TODAY)]


def test_missing_rows_explain_the_drift_of_the_same_days() -> None:
    found = told(finding(), finding(subject="weight"), finding("signals.volume", "predictions"))
    assert found == [
        ("signals.volume:predictions", ["signals.volume:predictions", "drift.feature:price", "drift.feature:weight"])
    ]


def test_a_finding_without_a_window_is_about_today() -> None:
    stale = finding("signals.freshness", "predictions", window_start=None, window_end=None)
    assert len(told(stale, finding())) == 1
    assert len(told(stale, finding("performance.auc", "auc", **OLD))) == 2


def test_other_days_are_another_cause() -> None:
    assert [cause for cause, _ in told(finding(), finding("performance.auc", "auc", **OLD))] == [
        "drift.feature:price",
        "performance.auc:auc",
    ]


def test_the_same_cohort_is_one_cause_whatever_the_days() -> None:
    assert told(finding(**NORTH), finding("performance.auc", "auc", **NORTH, **OLD), finding(**SOUTH)) == [
        ("cohort:region=north", ["drift.feature:price", "performance.auc:auc"]),
        ("cohort:region=south", ["drift.feature:price"]),
    ]


def test_cohorts_and_everybody_with_the_same_finding_are_one_cause() -> None:
    assert len(told(finding(), finding(**NORTH), finding(**SOUTH))) == 1
    assert len(told(finding(subject="weight"), finding(**NORTH))) == 2


def test_a_source_explains_its_own_rows_only() -> None:
    bad = finding("quality.quarantine", "predictions", source="partner-7")
    assert told(bad, finding(source="partner-7"), finding(subject="weight", source="partner-8")) == [
        ("source:partner-7", ["quality.quarantine:predictions", "drift.feature:price"]),
        ("source:partner-8", ["drift.feature:weight"]),
    ]
    assert told(bad, finding()) == [("source:partner-7", ["quality.quarantine:predictions", "drift.feature:price"])]


def test_slow_answers_are_nobody_s_drift() -> None:
    slow, failing = finding("service.latency", "latency_p95_ms"), finding("service.errors", "error_share")
    assert [len(names) for _, names in told(finding(), slow, failing)] == [1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_findings_does_not_matter(seed: int) -> None:
    findings = [
        finding(), finding(subject="weight"), finding(**NORTH), finding("service.errors", "e"), finding(source="s"),
        finding("performance.auc", "auc", **OLD), finding("performance.auc", "auc", **SOUTH, **OLD),
    ]  # fmt: skip
    shuffled = random.Random(seed).sample(findings, len(findings))
    assert told(*shuffled) == told(*findings)


def test_nothing_is_no_group() -> None:
    assert group([], TODAY) == []
