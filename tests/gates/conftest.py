"""Real deliveries for tests of gates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loop_core.lake import quoted, signal_columns
from loop_core.recipes import import_recipe
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace


@pytest.fixture(scope="session")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """The loop of the real orders, to read from."""
    with Workspace.create(tmp_path_factory.mktemp("olist") / "w") as workspace:
        import_recipe(workspace, "olist", real_data / "olist_15k", actor="ana", as_of=datetime(2019, 1, 1, tzinfo=UTC))
        yield workspace.loop("orders")


@pytest.fixture(scope="session")
def olist_rows(olist: Loop) -> pl.DataFrame:
    """Its predictions in order of time, with the columns of a delivery."""
    names = ", ".join(quoted(name) for name in signal_columns(olist.charter, Signal.PREDICTIONS))
    return olist.lake.frame(f"select {names} from {olist.table('predictions')} order by predicted_at")
