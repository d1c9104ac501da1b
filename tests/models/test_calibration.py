"""Maps of probabilities: monotone, inside [0, 1], and the same after a round trip through JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.errors import IntegrityError
from loop_core.models import Calibration

MAPS = [
    Calibration(),
    Calibration("platt", slope=0.7, intercept=-0.2),
    Calibration("isotonic", x=(0.1, 0.5, 0.8), y=(0.05, 0.5, 0.9)),
]


@pytest.mark.parametrize("calibration", MAPS, ids=lambda c: c.method)
@given(raw=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_every_map_is_monotone_and_stays_a_probability(calibration: Calibration, raw: list[float]) -> None:
    mapped = calibration.apply(np.sort(np.array(raw)))
    assert ((mapped >= 0) & (mapped <= 1)).all()
    assert (np.diff(mapped) >= 0).all()


@pytest.mark.parametrize("calibration", MAPS, ids=lambda c: c.method)
def test_json_brings_it_back(calibration: Calibration) -> None:
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(IntegrityError, match="isotonic"):
        Calibration.from_json({"method": "magic"})
