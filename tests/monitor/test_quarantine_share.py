"""The share of rows in quarantine is of the rows that were new."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from loop_core.gates import ingest
from loop_core.monitor import monitor
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.conftest import START


def test_rows_that_came_before_do_not_count_as_arrivals(loop: Loop, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"prediction_id": [f"{i}" for i in range(40)], "predicted_at": [START] * 40, "price": [1.0] * 40}
    )
    later = rows.vstack(pl.DataFrame({"prediction_id": ["x"], "predicted_at": [START], "price": [-1.0]}))
    when = START + timedelta(days=1)
    for name, frame in (("first", rows), ("second", later)):
        file = tmp_path / f"{name}.parquet"
        frame.write_parquet(file)
        ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=when)
    found = next(
        f
        for f in monitor(loop, when + timedelta(hours=1))
        if f.code == "quality.quarantine" and f.subject == "predictions"
    )
    assert found.sentence.startswith("1 of 41 predictions went to quarantine")
