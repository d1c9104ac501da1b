"""Slices: how often equal models have one confirmed, how often a planted one is, and what a search takes.

`python -m tests.bench slices`, about half an hour; LOOPBENCH_BENCH_PARTS=speed, =equal or =planted runs only that
part, LOOPBENCH_BENCH_RUNS sets the runs of each row. Equal models (see tests/compare/sliced.py) are exchangeable, but for
`mae`, where they have the same mean error and quite another shape, so that gaps are skewed. Everything confirmed is false
there, so the share of runs with anything confirmed is the false-discovery rate. Planted: 5 % of the rows, on which the
challenger gets 10 points less right; found is a confirmed slice that shares more than half of its rows with the planted one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.measure import Measurement

PARTS = os.environ.get("LOOPBENCH_BENCH_PARTS", "speed,equal,planted").split(",")
RUNS = int(os.environ.get("LOOPBENCH_BENCH_RUNS", 200))
ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 500_000))


def measurements() -> Iterator[Measurement]:
    if "speed" in PARTS:
        yield from of_speed()
    if "equal" in PARTS:
        yield from of_equal()
    if "planted" in PARTS:
        yield from of_planted()


def of_speed() -> Iterator[Measurement]:
    for depth in (2, 3):
        found = _step("search", ROWS, depth)
        what = f"slice search, {ROWS:,} rows x 30 columns, depth {depth}"
        yield Measurement(what, found["seconds"], "s", 30 if depth == 2 else None)
        yield Measurement("… CPU", found["cpu"], "CPU s")
        yield Measurement("… slices looked at", found["looked"], "slices")
        yield Measurement("… memory beyond the rows", found["mb"], "MB")


def of_equal() -> Iterator[Measurement]:
    for kind in ("log_loss", "accuracy", "mae"):
        for n, clustered in ((5_000, False), (20_000, False), (20_000, True)):
            shares = [bool(one.slices) for one in _runs(kind, n, clustered=clustered)]
            rows = f"{n:,} rows" + (", five an entity" if clustered else "")
            yield Measurement(f"equal models, {kind}, {rows}: any confirmed", sum(shares) / RUNS, "of runs", 0.05)


def of_planted() -> Iterator[Measurement]:
    for n in (10_000, 20_000, 50_000):
        for place in ("value", "tail", "both"):
            found = list(_planted(n, place))
            what = f"5 % of {n:,} rows 10 points worse, {place}"
            target = 0.9 if n == 50_000 else None
            yield Measurement(
                f"{what}: found and confirmed", sum(hit for hit, _ in found) / RUNS, "of runs", target, True
            )
            yield Measurement("… slices told, mean", sum(told for _, told in found) / RUNS, "slices")


def _runs(kind: Any, n: int, **more: Any) -> Iterator[Any]:
    import numpy as np

    from loop_core.compare import find_slices
    from tests.compare.sliced import world

    for run in range(RUNS):
        made = world(np.random.default_rng([7, run]), n, kind, **more)
        yield find_slices(made.charter, made.rows, seed=run)


def _planted(n: int, place: Any) -> Iterator[tuple[bool, int]]:
    import numpy as np

    from loop_core.compare import find_slices
    from tests.compare.sliced import overlap, world

    for run in range(RUNS):
        made = world(np.random.default_rng([8, run]), n, "accuracy", place=place)
        slices = find_slices(made.charter, made.rows, seed=run).slices
        yield any(overlap(made, one.sql) > 0.5 for one in slices), len(slices)


def _step(name: str, *given: int) -> dict[str, Any]:
    """A part in a process of its own, on two threads."""
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2"}
    command = [sys.executable, "-m", "tests.bench.bench_slices", name, *map(str, given)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def search(rows: int, depth: int) -> dict[str, Any]:
    """One search of 20 numbers and 10 categories, the region among them."""
    import resource

    import numpy as np

    from loop_core.compare import find_slices
    from tests.compare.sliced import world

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    small = world(np.random.default_rng(0), 5_000, "log_loss")
    find_slices(small.charter, small.rows)  # what it imports
    made = world(np.random.default_rng(0), rows, "log_loss", numbers=20, categories=9, depth=depth)
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    found = find_slices(made.charter, made.rows)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    assert found.columns == 30
    return {"seconds": took, "cpu": spent, "looked": found.looked, "mb": peak() - before}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*map(int, sys.argv[2:]))))
