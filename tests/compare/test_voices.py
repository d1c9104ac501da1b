"""Cohorts that nobody declares: corrected labels and what people said. They are shown and decide nothing."""

from __future__ import annotations

from datetime import timedelta

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
    assert [(one.cohort, one.shown_only) for one in groupings(parse_charter(CHARTER), frame, frame.height)] == [
        (None, False),
        ("place", False),
        ("feedback", True),
    ]


@pytest.mark.parametrize(("pairs", "expected"), [("[]", 2), ('[["place", "kind"]]', 4)])
def test_crossed_cohorts_are_cohorts(pairs, expected):
    kind = '[[cohorts]]\nname = "kind"\nexpression = "x"\nmin_rows = 10\n'
    charter = parse_charter(CHARTER + (kind if "kind" in pairs else "") + f"[compare]\ncohort_pairs = {pairs}\n")
    frame = pl.DataFrame({"place": ["a", "b", "a"], "kind": ["x", "y", "y"]})
    found = groupings(charter, frame.select([c.name for c in charter.cohorts]), frame.height)
    assert len(found) == expected
    if expected == 4:
        assert found[-1].cohort == "place_kind"
        assert set(found[-1].values) == {"a × x", "b × y", "a × y"}
        assert found[-1].min_rows == 200


def test_corrections_and_complaints_in_the_lake_are_found_and_shown_only(duel, end):
    from loop_core.compare import compare

    ids = [
        row[0] for row in duel.lake.rows(f"select prediction_id from {duel.table('predictions')} order by 1 limit 60")
    ]
    corrected = f"""
        insert into {duel.table("outcomes")}
        select prediction_id, label, observed_at + interval 1 hour, 'correction', batch_id
        from {duel.table("outcomes")} where prediction_id in (select id from corrected_ids)
    """
    feedback = pl.DataFrame(
        {
            "feedback_id": [f"f{k}" for k in range(60)],
            "prediction_id": ids,
            "given_at": [end - timedelta(days=1)] * 60,
            "rating": [1.0, 5.0] * 30,
        }
    )

    def body(tx):
        tx.register("corrected_ids", pl.DataFrame({"id": ids[:LEAST]}))
        tx.execute(corrected)
        tx.register("said", feedback)
        tx.execute(f"insert into {duel.table('feedback')} by name from said")

    duel.lake.write(body, actor="ana", message="voices")
    cells = compare(duel, "good", against="old", as_of=end, record=False).cells
    found = {(c.cohort, c.cohort_value): c for c in cells if c.cohort in ("label_source", "feedback")}
    assert {key: cell.n for key, cell in found.items() if key[1] not in ("observed", "silent")} == {
        ("label_source", "correction"): LEAST,
        ("feedback", "complained"): 30,
        ("feedback", "rated well"): 30,
    }
    assert {cell.block for cell in found.values()} == {"signal"}
