"""Counting rows: whatever is counted together or in halves, it is what a count by hand gives."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.charter import Cohort
from loop_core.monitor.profiles import cube, tally
from loop_core.monitor.profiles.binning import CategoryBins, NumberBins
from loop_core.monitor.profiles.plan import Plan, Scored, Span
from tests.conftest import START

SPAN = Span(START.date(), START.date().replace(month=12))
COHORTS = (Cohort(name="state"), Cohort(name="city"), Cohort(name="size"))
VALUES = {"state": ("SP", "RJ"), "city": ("a",), "size": ("big", "(null)")}
PLAN = Plan(
    "key",
    SPAN,
    7,
    {
        "price": NumberBins((0.0, 1.0)),
        "state": CategoryBins(("SP",), frozenset({"RJ", "BA"}), 0.0, frozenset({"BA"})),
    },
    VALUES,
    0,
    Scored("old", SPAN, {"score": NumberBins((0.5,))}),
)
SUBJECTS = ("price", "state", "score")

texts = st.sampled_from(["SP", "RJ", "BA", "a", "big", "(null)", None])
numbers = st.sampled_from([-1.0, 0.0, 0.5, 0.7, 1.0, 2.0, float("inf"), float("nan"), 1e300, None])
row = st.tuples(st.sampled_from([0, 17900, 17901, 10**8]), st.booleans(), *[texts] * 3, numbers, texts, numbers)


def batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    kinds = [pa.int32(), pa.bool_(), *[pa.string()] * 3, pa.float64(), pa.string(), pa.float64()]
    names = ["d_", "own_", "c_0", "c_1", "c_2", *SUBJECTS]
    columns = [pa.array(column, type=kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names)


def by_hand(rows: list[tuple[object, ...]]) -> dict[tuple[object, ...], int]:
    """(day, subject, cohort, value, bin) → rows, one at a time."""
    found: dict[tuple[object, ...], int] = {}
    for day, own, *groups, price, state, score in rows:
        known = [
            (name, value if value in VALUES[name] else "(other)") for name, value in zip(VALUES, groups, strict=True)
        ]
        cells = {"price": _bin(price, (0.0, 1.0)), "state": _state(day, state)} | (
            {"score": _bin(score, (0.5,))} if own else {}
        )
        for cohort, value in [*known, (None, None)]:
            for subject, place in cells.items():
                key = (day, subject, cohort, value, place)
                found[key] = found.get(key, 0) + 1
    return found


def _bin(value: float | None, edges: tuple[float, ...]) -> int:
    return len(edges) + 1 if value is None or value != value else sum(value > edge for edge in edges)


def _state(day: int, value: str | None) -> int:
    first, last = SPAN.numbers
    new = value == "BA" and first <= day < last
    return {"SP": 0, "RJ": 1, "BA": 2 if new else 1, None: 3}.get(value, 2)


def told(found: tally.Tally) -> dict[tuple[object, ...], int]:
    cells = {}
    for frame in found.frames():
        rows = frame.with_columns(pl.col("day").cast(pl.Int32)).to_dicts()
        for r in rows:
            assert (r["n"], r["nulls"]) == (sum(r["counts"]), r["counts"][-1])
            group = (r["day"], r["subject"], r["cohort"], r["cohort_value"])
            cells |= {(*group, place): n for place, n in enumerate(r["counts"]) if n}
    return cells


@pytest.mark.parametrize(("rows_a_cell", "most_groups"), [(0, 10**9), (10**9, 10**9), (1, 10**9), (1, 6)])
def test_rows_are_counted_as_by_hand(monkeypatch, rows_a_cell, most_groups):
    """In one cube, in one a cohort, as it comes; whole and in halves."""
    monkeypatch.setattr(cube, "ROWS_A_CELL", rows_a_cell)
    monkeypatch.setattr(tally, "MOST_GROUPS", most_groups)

    @settings(max_examples=20)
    @given(st.lists(row, min_size=1, max_size=30), st.lists(row, min_size=1, max_size=30))
    def check(first, second):
        found = tally.Tally(PLAN, COHORTS, SUBJECTS)
        found.add(batch(first))
        found.add(batch(second))
        assert told(found) == by_hand(first + second)
        found.add(batch(second), -1)
        found.add(batch(first), -1)
        assert told(found) == {}

    check()


def test_sums_leave_out_what_is_not_finite_and_what_another_version_answered():
    rows = [(17900, own, "SP", "a", "big", value, "SP", value) for own in (True, False) for value in (2.0, 3.0)]
    rows += [(17900, True, "SP", "a", "big", value, "SP", value) for value in (None, float("inf"), 1e300)]
    found = tally.Tally(PLAN, COHORTS[:1], SUBJECTS, everybody=False)
    found.add(batch(rows))
    (frame,) = found.frames()
    sums = {r["subject"]: (r["finite"], r["total"], r["squares"]) for r in frame.to_dicts()}
    assert sums == {"price": (4, 10.0, 26.0), "state": (0, 0.0, 0.0), "score": (2, 5.0, 13.0)}
    assert set(frame["cohort"]) == {"state"}


def test_an_empty_batch_and_a_tally_of_nothing_have_no_rows():
    found = tally.Tally(PLAN, COHORTS, SUBJECTS)
    found.add(batch([(17900, True, "SP", "a", "big", 1.0, "SP", 1.0)]).slice(0, 0))
    assert [frame.height for frame in found.frames()] == [0, 0, 0, 0]
