"""`make bench`: run every benchmark and print one table. Timings are read here, never asserted in tests."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.bench.measure import Measurement, print_table


def main() -> None:
    wanted = sys.argv[1:]
    found: list[Measurement] = []
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = file.stem.removeprefix("bench_")
        if wanted and name not in wanted:
            continue
        print(f"… {name}", file=sys.stderr)
        found.extend(importlib.import_module(f"tests.bench.{file.stem}").measurements())
    print_table(found)


main()
