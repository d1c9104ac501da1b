"""Many groups measured in one pass say what each says by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.errors import UnknownNameError
from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.monitor.many import MIN_UNITS, measure_many
from loop_core.monitor.measure import METRICS
from loop_core.monitor.roc import auc_with_error
from loop_core.monitor.units import Units, clustered_se


def alone(metric, scores, labels, entities):
    """One group, with the formulas that comparisons use."""
    units = Units.of(None if entities is None else [e or None for e in entities.tolist()], len(scores))
    if min(len(scores), units.count) < MIN_UNITS:
        return None
    if metric == "auc":
        return auc_with_error(labels, scores, units)
    losses = ROW_LOSSES[metric](labels, scores)
    value, slope = of_mean(metric, losses.mean())
    return value, abs(slope) * clustered_se(losses - losses.mean(), units), units.count - 1


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 300),
    groups=st.integers(1, 6),
    decimals=st.sampled_from((1, 16)),
    entities=st.sampled_from((None, 0, 20, 100_000)),
)
def test_each_group_is_measured_as_if_it_were_alone(seed, n, groups, decimals, entities):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(n).round(decimals))
    labels = (rng.random(n) < rng.random()).astype(float)
    known = None if entities is None else rng.integers(0, entities + 1, n).astype(np.uint64)
    places = rng.integers(0, groups, n)
    found = measure_many(METRICS, Grouping(LabelledRows(scores, labels, known), places, groups))
    for place, measured in enumerate(found):
        mine = places == place
        for metric in METRICS:
            expected = alone(metric, scores[mine], labels[mine], None if known is None else known[mine])
            told = measured[metric]
            assert (told is None) == (expected is None)
            if told is not None:
                assert (told.value, told.se, told.freedom) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_an_unknown_metric_is_refused_by_name():
    with pytest.raises(UnknownNameError, match="accurate"):
        measure_many(["accurate"], Grouping(LabelledRows(np.zeros(0), np.zeros(0), None), np.zeros(0, dtype=int), 0))


def by_class(rng, n, n_classes=3):
    scores = rng.dirichlet(np.ones(n_classes), n)
    labels = np.array([rng.choice(n_classes, p=row) for row in scores]).astype(float)
    return scores, labels


def test_several_classes_are_measured_as_scikit_learn_does():
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    rng = np.random.default_rng(3)
    scores, labels = by_class(rng, 900)
    places = rng.integers(0, 2, 900)
    found = measure_many(
        ["log_loss", "brier", "accuracy", "auc"], Grouping(LabelledRows(scores, labels, None), places, 2)
    )
    for place, measured in enumerate(found):
        y, p = labels[places == place], scores[places == place]
        assert measured["log_loss"].value == pytest.approx(log_loss(y, p), rel=1e-9)
        assert measured["accuracy"].value == pytest.approx(accuracy_score(y, p.argmax(axis=1)), rel=1e-9)
        assert measured["brier"].value == pytest.approx(((np.eye(3)[y.astype(int)] - p) ** 2).sum(axis=1).mean())
        assert measured["auc"].value == pytest.approx(roc_auc_score(y, p, multi_class="ovr"), rel=1e-9)


@pytest.mark.parametrize("metric", ["auc", "accuracy"])
def test_the_intervals_of_several_classes_hold_what_they_promise(metric):
    rng, held, runs = np.random.default_rng(5), 0, 200
    truth = measure_many([metric], Grouping(LabelledRows(*by_class(rng, 60_000), None), np.zeros(60_000, int), 1))[0]
    for _ in range(runs):
        rows = LabelledRows(*by_class(rng, 300), None)
        low, high = measure_many([metric], Grouping(rows, np.zeros(300, int), 1))[0][metric].interval
        held += low <= truth[metric].value <= high
    assert 0.91 <= held / runs <= 0.985


def test_the_interval_of_a_root_squared_error_holds_what_it_promises():
    rng, held, runs = np.random.default_rng(7), 0, 300
    for _ in range(runs):
        rows = LabelledRows(np.zeros(200), 2 * rng.standard_normal(200), None)
        low, high = measure_many(["rmse"], Grouping(rows, np.zeros(200, int), 1))[0]["rmse"].interval
        held += low <= 2 <= high
    assert 0.91 <= held / runs <= 0.98
