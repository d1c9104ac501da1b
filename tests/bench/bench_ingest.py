"""How fast files enter the lake, and in how much memory. Each measurement has a process of its own, so that its peak is its own.

`python -m tests.bench ingest`; with LOOPBENCH_BENCH_ROWS=100000000 the streamed file is 10 GB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import Measurement

ROWS = 1_000_000
#: Rows of the file whose peak memory is looked at: by default six times as many as for the speed, about 300 MB.
STREAMED_ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 6 * ROWS))
#: Rows a second that issue 2 asks for on two cores.
TARGETS = {"parquet": 300_000, "csv": 150_000}
NUMBERS, CATEGORIES = 14, 7
AS_OF = datetime(2019, 1, 1, tzinfo=UTC)


def measurements() -> Iterator[Measurement]:
    """Parquet and CSV of 25 columns through 20 rules, then the memory of a larger file."""
    for kind, target in TARGETS.items():
        run = ingested(kind, ROWS)
        what = f"ingest {kind}, {ROWS:,} rows × 25 columns, 20 rules"
        yield Measurement(what, run["rows_per_s"], "rows/s", target, more_is_better=True)
        yield Measurement(f"… its CPU time of {os.cpu_count()} cores", run["cpu_seconds"], "s")
    yield Measurement(
        f"peak memory of ingesting {STREAMED_ROWS:,} rows (parquet)",
        ingested("parquet", STREAMED_ROWS)["peak_mb"],
        "MB",
        2000,
    )


def ingested(kind: str, rows: int) -> dict[str, Any]:
    """Make a file, ingest it in a process of its own, and say how that went."""
    with tempfile.TemporaryDirectory() as folder:
        _child("write", kind, str(rows), folder)
        return _child("measure", kind, str(rows), folder)


def charter() -> str:
    """A loop of 25 delivered columns under 20 rules."""
    numbers = "".join(
        f'[[features]]\nname = "x{i}"\ntype = "number"\n{f"min = 0{chr(10)}" if i < 8 else ""}{f"max = 1000{chr(10)}" if i < 6 else ""}'
        for i in range(NUMBERS)
    )
    categories = "".join(f'[[features]]\nname = "c{i}"\ntype = "category"\n{_values(i)}' for i in range(CATEGORIES))
    return f"""
[loop]
name = "bench"
title = "Bench"
purpose = "How fast?"
[roles]
owner = "ana"
[labels]
horizon_days = 30
{numbers}{categories}
[[rules]]
name = "sum_is_positive"
signal = "predictions"
check = "x0 + x1 >= 0"
[[rules]]
name = "x2_under_x3_plus_1000"
signal = "predictions"
check = "x2 <= x3 + 1000"
[[metrics]]
name = "log_loss"
margin = 0.01
"""


def _values(i: int) -> str:
    return 'values = ["alpha", "beta", "gamma", "delta"]\n' if i < 4 else ""


def _child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.bench_ingest", *arguments]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def _write(kind: str, rows: int, folder: Path) -> dict[str, Any]:
    """A file of prices with cents, categories, ids and times over a year; in chunks, so that any size can be made."""
    import numpy as np
    import polars as pl
    import pyarrow.parquet as pq

    generator, chunk = np.random.default_rng(0), min(rows, 1_000_000)
    writer = None
    with (folder / f"data.{kind}").open("wb") as file:
        for start in range(0, rows, chunk):
            n = min(chunk, rows - start)
            ids = pl.int_range(start, start + n, eager=True)
            frame = pl.DataFrame(
                {f"x{i}": generator.gamma(2, 50, n).clip(0, 999).round(2) for i in range(NUMBERS)}
                | {f"c{i}": generator.choice(["alpha", "beta", "gamma", "delta"], n) for i in range(CATEGORIES)}
            ).with_columns(
                prediction_id="p" + ids.cast(pl.String).str.zfill(12),
                entity_id="e" + (ids % 200_000).cast(pl.String),
                predicted_at=(
                    pl.lit(datetime(2018, 1, 1, tzinfo=UTC)) + pl.duration(seconds=ids * (365 * 86400 / rows))
                ).dt.cast_time_unit("us"),
                score=pl.Series(generator.random(n).round(4)),
            )
            if kind == "csv":
                frame.write_csv(file, include_header=start == 0, datetime_format="%Y-%m-%dT%H:%M:%SZ")
            else:
                table = frame.to_arrow()
                writer = writer or pq.ParquetWriter(file, table.schema)
                writer.write_table(table)
        if writer is not None:
            writer.close()
    return {"bytes": (folder / f"data.{kind}").stat().st_size}


def _measure(kind: str, rows: int, folder: Path) -> dict[str, Any]:
    import resource

    from loop_core.gates import ingest
    from loop_core.signals import read_source
    from loop_core.vocabulary import Signal
    from loop_core.workspace import Workspace

    with Workspace.create(folder / f"w-{kind}") as workspace:
        loop = workspace.set_charter(charter(), actor="bench", reason="", as_of=AS_OF)
        tiny = folder / "tiny.csv"  # the first rows of a process also import what reads and checks them
        tiny.write_text("prediction_id,predicted_at\nfirst,2018-01-01T00:00:00Z\n")
        ingest(loop, Signal.PREDICTIONS, read_source(str(tiny)), actor="bench", as_of=AS_OF)
        began, cpu = time.perf_counter(), time.process_time()
        report = ingest(loop, Signal.PREDICTIONS, read_source(str(folder / f"data.{kind}")), actor="bench", as_of=AS_OF)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert report.accepted == rows, report
    return {
        "rows_per_s": round(rows / seconds),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    step = {"write": _write, "measure": _measure}[sys.argv[1]]
    print(json.dumps(step(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
