from __future__ import annotations

import numpy as np
import pytest

from loop_core.monitor.units import Units, clustered_se


@pytest.mark.parametrize("ids", [[3, 1, 3, 0, 0], [0, 0, 0], [1, 2, 3], [5, 5, 5, 5], [0, 7, 7], []])
def test_hashes_make_the_units_that_ids_make(ids: list[int]) -> None:
    """0 is an unknown entity, and each such row a unit of its own."""
    by_hash = Units.of_hashes(np.array(ids, dtype=np.uint64))
    by_id = Units.of([value or None for value in ids], len(ids))
    assert (by_hash.count, by_hash.codes is None) == (by_id.count, by_id.codes is None)
    values = np.arange(len(ids), dtype=float) ** 2
    assert sorted(by_hash.sums(values)) == sorted(by_id.sums(values))


def test_rows_of_one_entity_are_one_witness() -> None:
    once = np.random.default_rng(0).normal(size=400)
    once -= once.mean()
    alone = clustered_se(once, Units.of_hashes(np.arange(1, 401, dtype=np.uint64)))
    twice = Units.of_hashes(np.repeat(np.arange(1, 401, dtype=np.uint64), 2))
    assert clustered_se(np.repeat(once, 2), twice) == pytest.approx(alone)
