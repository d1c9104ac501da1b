"""Profiles: the upkeep, the heatmap they draw, and the report on two files beside Evidently and a bare DuckDB scan.

The files: a million rows each, 20 numbers and 10 categories. Everything timed runs in a process of its own, on two
threads, one after the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.measure import Measurement

ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
START = datetime(2018, 1, 1, tzinfo=UTC)
NUMBERS, CATEGORIES, COHORT_VALUES = 20, 10, 10


def measurements() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        _step("write_pair", folder)
        ours, scan = _step("ours", folder), _step("scan", folder)
        theirs = _step("evidently", folder)
        yield Measurement("compare_files, 1 M + 1 M rows x 30 columns", ours["seconds"], "s")
        yield Measurement("… the same by Evidently DataDriftPreset(psi)", theirs["seconds"], "s")
        yield Measurement("… how much faster", theirs["seconds"] / ours["seconds"], "x", 100, True)
        yield Measurement("… peak memory", ours["peak_mb"], "MB")
        yield Measurement("… share of Evidently's", ours["peak_mb"] / theirs["peak_mb"], "", 0.2)
        yield Measurement("… beside a scan for sum, min, max, stddev", ours["seconds"] / scan["seconds"], "x", 3)
        yield Measurement("… the same in processor seconds", ours["cpu"] / scan["cpu"], "x", 3)
    small, large = 100_000, 10 * ROWS
    with tempfile.TemporaryDirectory() as folder:
        few, many = _step("loop", folder, small), _step("loop", folder, large)
    yield Measurement("profiles of 30 columns, 3 cohorts, on ingest", many["rows_per_s"], "rows/s", 300_000, True)
    yield Measurement("… per processor second", many["rows_per_cpu"], "rows/s")
    yield Measurement("heatmap: 52 weeks x 30 features x 10 values, 10 M", many["heatmap"], "s", 0.3)
    yield Measurement("… beside 100 k rows", many["heatmap"] / few["heatmap"], "x", 1.2)
    yield Measurement("… a refresh when nothing changed", many["idle"], "s")


def _step(name: str, folder: str, *more: int) -> dict[str, Any]:
    environment = os.environ | {"OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.bench.bench_profiles", name, folder, *map(str, more)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _frame(seed: int, n: int, shift: float = 0.0) -> Any:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    made = [lambda: rng.normal(shift, 1, n), lambda: rng.lognormal(3, 1, n), lambda: rng.gamma(2, 50, n)]
    columns = {f"x{i}": pl.Series(made[i % 3]()) for i in range(NUMBERS)}
    for i, k in enumerate([3, 5, 8, 10, 20, 27, 50, 100, 300, 2000]):
        weights = 1 / np.arange(1, k + 1)
        names = pl.Series([f"value {j:04d}" for j in range(k)])
        columns[f"c{i}"] = names.gather(rng.choice(k, n, p=weights / weights.sum()))
    return pl.DataFrame(columns)


def write_pair(folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    for name, seed, shift in (("reference", 0, 0.0), ("current", 1, 0.05)):
        pq.write_table(_frame(seed, ROWS, shift).to_arrow(), folder / f"{name}.parquet")
    return {}


def ours(folder: Path) -> dict[str, Any]:
    from loop_core.monitor.drift.files import compare_files

    compare_files(_frame(2, 100), _frame(3, 100))  # what it imports
    return _timed(lambda: compare_files(folder / "reference.parquet", folder / "current.parquet", methods=["psi"]), 3)


def scan(folder: Path) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    numbers = (f"sum(x{i}), min(x{i}), max(x{i}), stddev(x{i})" for i in range(NUMBERS))
    texts = (f"min(c{i}), max(c{i})" for i in range(CATEGORIES))
    sql = f"select {', '.join([*numbers, *texts])} from read_parquet(['{folder}/reference.parquet', '{folder}/current.parquet'])"
    return _timed(lambda: connection.execute(sql).fetchall(), 3)


def evidently(folder: Path) -> dict[str, Any]:
    import warnings

    warnings.simplefilter("ignore")
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def report() -> object:
        before, now = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current"))
        return Report([DataDriftPreset(method="psi")]).run(now, before).json()

    return _timed(report, 1)


def _timed(work: Any, times: int) -> dict[str, Any]:
    import resource

    found = []
    for _ in range(times):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - began, time.process_time() - cpu))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": min(s for s, _ in found), "cpu": min(c for _, c in found), "peak_mb": peak}


def loop(folder: Path, rows: int) -> dict[str, Any]:
    """A loop of so many rows over a year and a quarter; its newest million comes after the rest was profiled."""
    from loop_core.monitor.profiles import profile_series, refresh_profiles
    from loop_core.workspace import Workspace

    columns = [f'[[features]]\nname = "x{i}"\ntype = "number"\n' for i in range(NUMBERS)]
    columns += [f'[[features]]\nname = "c{i}"\ntype = "category"\n' for i in range(CATEGORIES)]
    cohorts = "".join(f'[[cohorts]]\nname = "c{i}"\n' for i in (1, 2, 3))
    charter = (
        '[loop]\nname = "bench"\ntitle = "b"\npurpose = "b"\n[roles]\nowner = "b"\n[labels]\nhorizon_days = 1\n'
        + "".join(columns) + cohorts + '[[metrics]]\nname = "log_loss"\nmargin = 0.01\n'
    )  # fmt: skip
    part = min(rows, ROWS)
    parts = max(1, rows // part)
    with Workspace.create(folder / f"w{rows}") as workspace:
        made = workspace.set_charter(charter, actor="bench", reason="", as_of=START)
        for k in range(parts - 1 if parts > 1 else parts):
            _deliver(made, k, part, parts)
        refresh_profiles(made, actor="bench")
        rate = cpu_rate = 0.0
        if parts > 1:
            _deliver(made, parts - 1, part, parts)
            began, cpu = time.perf_counter(), time.process_time()
            counted = refresh_profiles(made, actor="bench").rows
            rate, cpu_rate = counted / (time.perf_counter() - began), counted / (time.process_time() - cpu)
        end = START + timedelta(days=455)
        draw = lambda: profile_series(made, end, weeks=52, cohort="c3")  # noqa: E731
        found = draw()
        assert len({s.column for s in found}) == 30, found
        assert len({s.cohort_value for s in found}) == COHORT_VALUES
        heatmap = _timed(draw, 5)["seconds"]
        idle = _timed(lambda: refresh_profiles(made, actor="bench"), 5)["seconds"]
    return {"heatmap": heatmap, "idle": idle, "rows_per_s": rate, "rows_per_cpu": cpu_rate}


def _deliver(made: Any, k: int, rows: int, parts: int) -> None:
    import numpy as np
    import polars as pl

    seconds = (np.arange(rows) + k * rows) * (455 * 86400 / (rows * parts))
    frame = _frame(10 + k, rows).with_columns(
        prediction_id=pl.lit(f"{k}-") + pl.int_range(rows).cast(pl.String),
        predicted_at=pl.lit(START) + pl.Series((seconds * 1e6).astype(np.int64)).cast(pl.Duration("us")),
        score=pl.Series(np.random.default_rng(k).random(rows)),
    )

    def body(tx: Any) -> None:
        tx.register("given_rows", frame)
        tx.execute(f"insert into {made.table('predictions')} by name from given_rows")

    made.lake.write(body, actor="bench", message="rows")


if __name__ == "__main__":
    name, place, *numbers = sys.argv[1:]
    step = {"write_pair": write_pair, "ours": ours, "scan": scan, "evidently": evidently, "loop": loop}[name]
    print(json.dumps(step(Path(place), *map(int, numbers))))
