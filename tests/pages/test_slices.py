"""Confirmed slices on the page: told with both numbers, declared as a cohort, and then known as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.clock import now
from loop_core.compare import compare
from loop_core.workspace import Workspace
from tests.compare.test_declare import build_dear
from tests.once import once
from tests.pages.conftest import Open, keyed, quiet, said


def _compared(folder: Path) -> Path:
    build_dear(folder)
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        compare(loop, "dear", as_of=loop.present(now()), actor="ana")
    return folder


@pytest.fixture
def dear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loop whose challenger is worse where the price is high."""
    return once(tmp_path_factory, "dear", _compared)


def test_a_slice_is_declared_from_the_page(app: Open, dear: Path) -> None:
    test = app(dear, "compare", challenger="dear", detail="Slices")
    quiet(test)
    assert "Worse where price above" in said(test)
    row = next(frame.value for frame in test.dataframe if "where found" in frame.value).iloc[0]
    assert row["slice"].startswith("price above")
    assert row["to"] < 0
    assert row["rows"] + row["rows there"] > 500

    keyed(test.text_input, "declare_name_s1").set_value("Dear!").run()
    keyed(test.button, "declare_s1").click().run()
    assert "without a reason" in test.error[0].value
    keyed(test.text_input, "declare_reason_s1").set_value("they pay most").run()
    keyed(test.button, "declare_s1").click().run()
    assert "does not validate" in test.error[0].value

    keyed(test.text_input, "declare_name_s1").set_value("dear_orders").run()
    keyed(test.button, "declare_s1").click().run()
    assert not test.error
    assert "Declared as cohort dear" in said(test)
    with Workspace.open(dear) as workspace:
        assert workspace.loop("orders").charter.cohort("dear_orders").min_rows == 200


def test_nobody_declares_in_the_past_or_to_the_room(app: Open, dear: Path) -> None:
    past = app(dear, "compare", challenger="dear", detail="Slices", as_of="2018-07-10")
    assert not [button for button in past.button if button.key.startswith("declare_s1")]


def test_a_comparison_without_slices_says_what_was_looked_at(app: Open, full: Path) -> None:
    test = app(full, "compare", detail="Slices")
    quiet(test)
    assert "slice" in said(test).lower()
