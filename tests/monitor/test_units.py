from __future__ import annotations

import numpy as np
import pytest

from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.units import Units, clustered_se


@pytest.mark.parametrize("ids", [[3, 1, 3, 0, 0], [0, 0, 0], [1, 2, 3], [5, 5, 5, 5], [0, 7, 7], []])
def test_a_grouping_makes_the_units_that_ids_make(ids: list[int]) -> None:
    """0 is an unknown entity, and each such row a unit of its own."""
    nothing = np.zeros(len(ids))
    rows = LabelledRows(nothing, nothing, np.array(ids, dtype=np.uint64))
    grouping = Grouping(rows, nothing.astype(np.int64), 1)
    by_id = Units.of([value or None for value in ids], len(ids))
    assert grouping.unit_counts.tolist() == [by_id.count]
    values = np.arange(len(ids), dtype=float) ** 2
    assert sorted(grouping.unit_sums(values)) == sorted(by_id.sums(values))


def test_an_entity_is_another_unit_in_another_group() -> None:
    rows = LabelledRows(np.zeros(4), np.zeros(4), np.array([7, 7, 7, 8], dtype=np.uint64))
    grouping = Grouping(rows, np.array([0, 0, 1, 1]), 3)
    assert grouping.unit_counts.tolist() == [1, 2, 0]


def test_rows_of_one_entity_are_one_witness() -> None:
    once = np.random.default_rng(0).normal(size=400)
    once -= once.mean()
    alone = clustered_se(once, Units.of(list(range(400)), 400))
    twice = Units.of(np.repeat(np.arange(400), 2).tolist(), 800)
    assert clustered_se(np.repeat(once, 2), twice) == pytest.approx(alone)
