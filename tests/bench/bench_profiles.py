"""Profiles: the report on two files beside Evidently and a bare DuckDB scan, the upkeep, and the heatmap they draw.

`python -m tests.bench profiles`, about five minutes, 83 s of them Evidently's; with LOOPBENCH_BENCH_PARTS=files or
=loops only that half. The files: a million rows each, 20 numbers and 10 categories. The loops: 10 M predictions and
100 k of the same columns over 65 weeks. Everything timed runs in a process of its own, on two threads, one after the
other. CPU seconds are told beside seconds, because they hardly depend on what else the machine does.
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

PARTS = os.environ.get("LOOPBENCH_BENCH_PARTS", "files,loops").split(",")
ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
START, DAYS = datetime(2018, 1, 1, tzinfo=UTC), 455
NUMBERS, CATEGORIES, COHORT_VALUES = 20, 10, 10


def measurements() -> Iterator[Measurement]:
    if "files" in PARTS:
        yield from of_files()
    if "loops" in PARTS:
        yield from of_loops()


def of_files() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        _step("write_pair", folder)
        ours, scan = _step("ours", folder), _step("scan", folder)
        theirs = _step("evidently", folder)
    yield Measurement(f"compare_files, {_million(ROWS)} + {_million(ROWS)} rows x 30 columns", ours["seconds"], "s")
    yield Measurement("… CPU", ours["cpu"], "CPU s")
    yield Measurement("… the same by Evidently DataDriftPreset(psi)", theirs["seconds"], "s")
    yield Measurement("… how much faster", theirs["seconds"] / ours["seconds"], "x", 100, True)
    yield Measurement("… peak memory", ours["peak_mb"], "MB")
    yield Measurement("… share of Evidently's", ours["peak_mb"] / theirs["peak_mb"], "", 0.2)
    yield Measurement("… a scan for sum, min, max, stddev by DuckDB", scan["seconds"], "s")
    yield Measurement("… beside that scan", ours["seconds"] / scan["seconds"], "x", 3)
    yield Measurement("… beside it in CPU", ours["cpu"] / scan["cpu"], "x", 3)


def of_loops() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        few, many = _step("loop", folder, ROWS // 10), _step("loop", folder, 10 * ROWS)
    for name, rows in (("million", ROWS), ("week", ROWS // 5)):
        what = f"profiles on ingest, 30 columns, 3 cohorts, {_million(rows)} rows"
        yield Measurement(f"{what} at once", rows / many[name]["seconds"], "rows/s", 300_000, True)
        yield Measurement("… per CPU second", rows / many[name]["cpu"], "rows/s")
    yield Measurement("… a refresh when nothing changed", many["idle"]["seconds"], "s")
    what = f"52 weeks x 30 features x 10 values, {_million(10 * ROWS)} rows"
    yield Measurement(f"heatmap: {what}", many["heatmap"]["seconds"], "s", 0.3)
    yield Measurement("… CPU", many["heatmap"]["cpu"], "CPU s")
    yield Measurement(f"… beside {ROWS // 10:,} rows", many["heatmap"]["seconds"] / few["heatmap"]["seconds"], "x", 1.2)
    yield Measurement("… of it, from profiles to windows", many["series"]["seconds"], "s")
    yield Measurement("… the first time, thresholds learned", many["first"]["seconds"], "s")


def _million(rows: int) -> str:
    return f"{rows / 1e6:g} M"


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
    return _timed(lambda: compare_files(folder / "reference.parquet", folder / "current.parquet", methods=["psi"]), 5)


def scan(folder: Path) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    numbers = (f"sum(x{i}), min(x{i}), max(x{i}), stddev(x{i})" for i in range(NUMBERS))
    texts = (f"min(c{i}), max(c{i})" for i in range(CATEGORIES))
    sql = f"select {', '.join([*numbers, *texts])} from read_parquet(['{folder}/reference.parquet', '{folder}/current.parquet'])"
    return _timed(lambda: connection.execute(sql).fetchall(), 5)


def evidently(folder: Path) -> dict[str, Any]:
    import warnings

    warnings.simplefilter("ignore")
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def report(before: Any, now: Any) -> object:
        return Report([DataDriftPreset(method="psi")]).run(now, before).json()

    def whole() -> object:
        return report(*(pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current")))

    report(*(_frame(seed, 20_000).to_pandas() for seed in (2, 3)))  # what it imports; of fewer rows, c9 passes for text
    return _timed(whole, 1)


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
    """A loop of so many rows over 65 weeks. A tenth of them comes when the rest was profiled, and then a week more."""
    from loop_core.monitor import drift_scores
    from loop_core.monitor.profiles import refresh_profiles
    from loop_core.workspace import Workspace

    with Workspace.create(folder / f"w{rows}") as workspace:
        made = workspace.set_charter(_charter(), actor="bench", reason="", as_of=START)
        refresh = lambda: refresh_profiles(made, actor="bench")  # noqa: E731
        for k in range(9):
            _deliver(made, k, rows // 10, k * DAYS / 10, DAYS / 10)
        refresh()
        found = {}
        for name, n, first, days in (("million", rows // 10, DAYS * 0.9, DAYS / 10), ("week", rows // 50, DAYS, 7)):
            _deliver(made, 9 + len(found), n, first, days)
            found[name] = _timed(refresh, 1)
        found["idle"] = _timed(refresh, 5)
        asked: dict[str, Any] = {"as_of": START + timedelta(days=DAYS), "weeks": 52, "cohort": "c3"}
        found["series"] = _timed(lambda: _windows(made, **asked), 7)
        found["first"] = _timed(lambda: drift_scores(made, **asked), 1)
        found["heatmap"] = _timed(lambda: drift_scores(made, **asked), 7)
        assert len(drift_scores(made, **asked)) == 52 * 30 * COHORT_VALUES
    return found


def _windows(made: Any, **asked: Any) -> None:
    from loop_core.monitor.profiles import profile_series

    series = profile_series(made, **asked)
    assert {s.column for s in series} == {*(f"x{i}" for i in range(NUMBERS)), *(f"c{i}" for i in range(CATEGORIES))}


def _charter() -> str:
    """The smallest cells have some 50 rows of 100,000: they are judged too, so that both loops do the same work."""
    columns = [f'[[features]]\nname = "x{i}"\ntype = "number"\n' for i in range(NUMBERS)]
    columns += [f'[[features]]\nname = "c{i}"\ntype = "category"\n' for i in range(CATEGORIES)]
    cohorts = [f'[[cohorts]]\nname = "c{i}"\n' for i in (1, 2, 3)]
    head = '[loop]\nname = "bench"\ntitle = "b"\npurpose = "b"\n[roles]\nowner = "b"\n[labels]\nhorizon_days = 1\n'
    rest = '[[metrics]]\nname = "log_loss"\nmargin = 0.01\n[monitor]\nmin_rows = 20\n'
    return head + "".join(columns) + "".join(cohorts) + rest


def _deliver(made: Any, seed: int, rows: int, first_day: float, days: float) -> None:
    import numpy as np
    import polars as pl

    seconds = (first_day + np.arange(rows) * days / rows) * 86400
    frame = _frame(10 + seed, rows).with_columns(
        prediction_id=pl.lit(f"{seed}-") + pl.int_range(rows).cast(pl.String),
        predicted_at=pl.lit(START) + pl.Series((seconds * 1e6).astype(np.int64)).cast(pl.Duration("us")),
        score=pl.Series(np.random.default_rng(seed).random(rows)),
    )

    def body(tx: Any) -> None:
        tx.register("given_rows", frame)
        tx.execute(f"insert into {made.table('predictions')} by name from given_rows")

    made.lake.write(body, actor="bench", message="rows")


if __name__ == "__main__":
    name, place, *numbers = sys.argv[1:]
    step = {"write_pair": write_pair, "ours": ours, "scan": scan, "evidently": evidently, "loop": loop}[name]
    print(json.dumps(step(Path(place), *map(int, numbers))))
