"""Many groups measured in one pass say what each says by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.errors import UnknownNameError
from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.losses import ROW_LOSSES
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
    return losses.mean(), clustered_se(losses - losses.mean(), units), units.count - 1


@settings(max_examples=60, deadline=None)
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
    with pytest.raises(UnknownNameError, match="accuracy"):
        measure_many(["accuracy"], Grouping(LabelledRows(np.zeros(0), np.zeros(0), None), np.zeros(0, dtype=int), 0))
