"""Maintenance in a tight loop beside ingest and readers: `python -m tests.faults.beside WORKSPACE SECONDS`.

Prints one JSON line: how often each did its work, and everything that went wrong. It goes on until `SECONDS` are over
and each has done its work.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.context import ForkContext
from pathlib import Path

import dataframely  # noqa: F401 - imported for the children
import polars as pl

from loop_core.clock import now
from loop_core.doctor import examine, maintain
from loop_core.gates import ingest
from loop_core.labels import known_at
from loop_core.monitor import monitor
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import START
from tests.faults.steps import AS_OF

#: Rows of one delivery after the other: files the lake takes as they are, files it writes, and rows it keeps in its catalogue.
ROWS = (1_500, 40, 5)
#: Each must have worked so often; a round of maintenance takes as long as dozens of reads.
LEAST = 1


def rows_until(batches: int) -> int:
    """Rows of the first so many deliveries."""
    return sum(ROWS[k % len(ROWS)] for k in range(batches))


def delivery(folder: Path, number: int) -> str:
    """A file of one delivery; every price is 1, so that a sum counts rows too."""
    n, first = ROWS[number % len(ROWS)], rows_until(number)
    file = folder / f"{number}.parquet"
    when = [START + timedelta(minutes=first + i) for i in range(n)]
    ids = [f"{number}-{i}" for i in range(n)]
    frame = pl.DataFrame({"prediction_id": ids, "predicted_at": when, "price": [1.0] * n})
    frame.with_columns(state=pl.lit("SP")).write_parquet(file)
    return str(file)


@dataclass
class Shared:
    """What the processes tell each other."""

    context: ForkContext
    done: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stop = self.context.Event()
        self.errors = self.context.SimpleQueue()

    def start(self, name: str, path: Path, work: Callable[[Loop, int], None]) -> multiprocessing.Process:
        self.done[name] = self.context.Value("i", 0)
        process = self.context.Process(target=self._run, args=(name, path, work), daemon=True)
        process.start()
        return process  # type: ignore[return-value]

    def count(self, name: str) -> int:
        return int(self.done[name].value)  # type: ignore[attr-defined]

    def _run(self, name: str, path: Path, work: Callable[[Loop, int], None]) -> None:
        number = 0
        try:
            with Workspace.open(path) as workspace:
                while not self.stop.is_set():
                    work(workspace.loop("orders"), number)
                    number += 1
                    self.done[name].value = number  # type: ignore[attr-defined]
        except BaseException:
            self.errors.put(f"{name}, round {number + 1}: {traceback.format_exc()}")


def maintaining(loop: Loop, _: int) -> None:
    # A clock that is ahead: nothing is too young to be merged, expired or removed.
    maintain(loop.workspace, keep_days=0, wall=now() + timedelta(minutes=1))


def snapshot_reader() -> Callable[[Loop, int], None]:
    """Counts the same rows again and again within one snapshot, and streams them."""
    seen = 0

    def read(loop: Loop, _: int) -> None:
        nonlocal seen
        sql = f"select count(price), coalesce(sum(price), 0)::bigint from {loop.table('predictions')}"
        with loop.lake.one_snapshot():
            counts = [loop.lake.rows(sql)[0] for _ in range(3)]
            batches = loop.lake.rows(f"select count(*), coalesce(sum(accepted), 0) from {loop.table('batches')}")[0]
        n = counts[0][0]
        expected = (rows_until(batches[0]), rows_until(batches[0]))
        assert counts == [expected] * 3, f"{counts} of {batches[0]} batches with {expected[0]} rows"
        assert n >= seen, f"{n} rows after {seen}"
        seen = n
        streamed = sum(
            b.num_rows for b in loop.lake.batches(f"select price from {loop.table('predictions')}", rows=500)
        )
        assert streamed >= n, f"a stream of {streamed} rows after {n}"

    return read


def monitor_reader(loop: Loop, _: int) -> None:
    """What the monitor and a notebook see at an instant; all deliveries of the window are older."""
    monitor(loop, START + timedelta(days=8))
    n = known_at(loop, AS_OF).rows("select count(*) from rows")[0][0]
    assert any(n == rows_until(k) for k in range(n + 1)), f"{n} rows are of no whole number of deliveries"


def main() -> None:
    path, seconds = Path(sys.argv[1]), float(sys.argv[2])
    shared = Shared(multiprocessing.get_context("fork"))
    with tempfile.TemporaryDirectory() as folder:

        def taking(loop: Loop, number: int) -> None:
            source = read_source(delivery(Path(folder), number))
            ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=AS_OF)

        works = {"ingest": taking, "maintain": maintaining, "snapshot": snapshot_reader(), "monitor": monitor_reader}
        processes = [shared.start(name, path, work) for name, work in works.items()]
        until = time.monotonic() + seconds
        while all(process.is_alive() for process in processes) and (
            time.monotonic() < until or any(shared.count(name) < LEAST for name in works)
        ):
            time.sleep(0.05)
        shared.stop.set()
        for process in processes:
            process.join()
    errors = []
    while not shared.errors.empty():
        errors.append(shared.errors.get())
    with Workspace.open(path) as workspace:
        loop = workspace.loop("orders")
        rows = loop.lake.rows(f"select count(price) from {loop.table('predictions')}")[0][0]
        broken = [check.sentence for check in examine(workspace, wall=AS_OF) if check.state == "broken"]
    done = {name: shared.count(name) for name in works}
    print(json.dumps({"done": done, "errors": errors, "rows": rows, "broken": broken}))  # noqa: T201 - the program's answer


if __name__ == "__main__":
    main()
