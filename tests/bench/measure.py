"""One measurement, and the table of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One number beside what was asked of it."""

    what: str
    value: float
    unit: str
    target: float | None = None
    """What the project promises; None: nothing."""
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """`met`, or by how much it was missed."""
        if self.target is None:
            return ""
        if not self.value and not self.more_is_better:
            return "met"
        ratio = self.value / self.target if self.more_is_better else self.target / max(self.value, 1e-12)
        return f"met ({ratio:.1f}×)" if ratio >= 1 else f"MISSED ({ratio:.2f}×)"


def print_table(measurements: Iterable[Measurement]) -> None:
    """Print measurements with their targets."""
    print(f"{'what':<66}{'measured':>14}  {'unit':<8}{'target':>12}  verdict")
    for m in measurements:
        target = "–" if m.target is None else f"{'≥' if m.more_is_better else '<'} {m.target:,.4g}"
        print(f"{m.what:<66}{m.value:>14,.4g}  {m.unit:<8}{target:>12}  {m.verdict}")


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best_of(times: int, work: Callable[[], object]) -> float:
    """The shortest of several calls: what the code takes when the machine does nothing else."""
    return min(seconds(work) for _ in range(times))


def command_seconds(*command: str) -> float:
    """The shortest of three runs of a command of this Python."""
    return best_of(3, lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True))
