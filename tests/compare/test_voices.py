"""Cohorts that nobody declares: corrected labels and what people said. They are shown and decide nothing."""

from __future__ import annotations

import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.compare import groupings
from loop_core.compare.voices import LEAST, _named
from tests.compare.releases import CHARTER


def test_rows_of_which_nothing_is_said_are_the_usual_ones():
    import numpy as np

    said = pl.DataFrame({"id": [7, 9], "said": ["complained", "rated well"]})
    found = _named(said, np.array([9, 8, 7], dtype=np.uint64), "silent")
    assert found.to_list() == ["rated well", "silent", "complained"]


def test_they_bind_no_release_and_declared_cohorts_do():
    frame = pl.DataFrame({"place": ["a", "b"] * LEAST, "feedback": ["silent", "complained"] * LEAST})
    assert [(one.cohort, one.shown_only) for one in groupings(parse_charter(CHARTER), frame)] == [
        (None, False),
        ("place", False),
        ("feedback", True),
    ]


@pytest.mark.parametrize(("pairs", "expected"), [("[]", 2), ('[["place", "kind"]]', 4)])
def test_crossed_cohorts_are_cohorts(pairs, expected):
    kind = '[[cohorts]]\nname = "kind"\nexpression = "x"\nmin_rows = 10\n'
    charter = parse_charter(CHARTER + (kind if "kind" in pairs else "") + f"[compare]\ncohort_pairs = {pairs}\n")
    frame = pl.DataFrame({"place": ["a", "b", "a"], "kind": ["x", "y", "y"]})
    found = groupings(charter, frame.select([c.name for c in charter.cohorts]))
    assert len(found) == expected
    if expected == 4:
        assert found[-1].cohort == "place_kind"
        assert set(found[-1].values) == {"a × x", "b × y", "a × y"}
        assert found[-1].min_rows == 200
