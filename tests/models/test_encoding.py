"""Columns → numbers: the same in training and serving, whatever order or gaps the rows have."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from loop_core.charter import Column
from loop_core.errors import RefusedError
from loop_core.models import Encoding
from loop_core.models import encoding as module

COLUMNS = (
    Column(name="weight", type="number"),
    Column(name="state", type="category"),
    Column(name="express", type="flag"),
    Column(name="promised_at", type="timestamp"),
)
ROWS = pl.DataFrame(
    {
        "weight": [1.5, None, float("inf")],
        "state": ["SP", "BA", "SP"],
        "express": [True, False, None],
        "promised_at": [datetime(1970, 1, 3, tzinfo=UTC), datetime(1970, 1, 1, 12, tzinfo=UTC), None],
    }
)


@pytest.fixture
def encoding() -> Encoding:
    return Encoding.fit(COLUMNS, ROWS)


def test_each_type_has_its_number(encoding: Encoding) -> None:
    expected = [[1.5, 1, 1, 2], [np.nan, 0, 0, 0.5], [np.nan, 1, np.nan, np.nan]]
    np.testing.assert_array_equal(encoding.transform(ROWS), expected)
    assert encoding.categorical == [1]


def test_an_unseen_category_is_missing(encoding: Encoding) -> None:
    assert np.isnan(encoding.transform(ROWS.with_columns(state=pl.lit("XX")))[:, 1]).all()


def test_row_order_does_not_change_the_codes(encoding: Encoding) -> None:
    assert Encoding.fit(COLUMNS, ROWS.reverse()) == encoding


def test_column_order_and_further_columns_do_not_matter(encoding: Encoding) -> None:
    shuffled = ROWS.select(reversed(ROWS.columns)).with_columns(other=pl.lit(1))
    np.testing.assert_array_equal(encoding.transform(shuffled), encoding.transform(ROWS))


def test_all_null_columns_and_no_rows_are_fine(encoding: Encoding) -> None:
    empty = pl.DataFrame({name: [None] for name in encoding.names})
    assert np.isnan(encoding.transform(empty)).all()
    assert encoding.transform(ROWS.clear()).shape == (0, 4)


def test_a_missing_column_is_named(encoding: Encoding) -> None:
    with pytest.raises(RefusedError, match="lack state, express"):
        encoding.transform(ROWS.drop("state", "express"))


def test_another_type_is_refused(encoding: Encoding) -> None:
    with pytest.raises(RefusedError, match="another type"):
        encoding.transform(ROWS.with_columns(weight=pl.lit("heavy")))


def test_text_is_no_feature() -> None:
    with pytest.raises(RefusedError, match="context"):
        Encoding.fit((Column(name="note", type="text"),), pl.DataFrame({"note": ["a"]}))


def test_only_the_most_frequent_values_get_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CATEGORIES", 2)
    frame = pl.DataFrame({"state": ["c", "c", "b", "a", "b", "z"]})
    assert Encoding.fit((COLUMNS[1],), frame).categories["state"] == ("b", "c")
