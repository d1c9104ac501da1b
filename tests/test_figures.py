"""Numbers that are read side by side differ to the eye wherever they differ, as far as a table has room."""

from __future__ import annotations

import doctest

import pytest

from app.numbers import apart
from loop_core import figures


def test_examples_hold() -> None:
    assert doctest.testmod(figures).failed == 0


@pytest.mark.parametrize(
    ("rows", "down", "wanted"),
    [
        ([{"a": 0.12341, "b": 0.12343}], False, ["%.5f", "%.5f"]),
        ([{"a": 0.12341, "b": 0.5}, {"a": 0.12343, "b": 0.5}], False, ["%.4f", "%.4f"]),
        ([{"a": 0.12341, "b": 0.5}, {"a": 0.12343, "b": None}], True, ["%.5f", "%.4f"]),
        ([{"a": 0.1 + 1e-12, "b": 0.1}], False, ["%.8f", "%.8f"]),
        ([{"a": float("nan"), "b": float("inf")}], False, ["%.4f", "%.4f"]),
        ([], False, ["%.4f", "%.4f"]),
    ],
)
def test_columns_have_as_many_decimals_as_tell_their_numbers_apart(rows, down, wanted) -> None:
    made = apart(rows, ("a", "b"), down=down)
    assert [made[name]["type_config"]["format"] for name in ("a", "b")] == wanted
