"""Retrains whose trials do what they should not: hang, sleep, take memory until it is refused. How far over their budget?"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from loop_core.charter import Charter
from loop_core.retrain import Budget, retrain
from loop_core.retrain.objective import Evaluation, Objective, Report, Watch
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.training import TrainingSet
from loop_core.workspace import Loop, Workspace
from tests.bench.measure import seconds
from tests.retrain.synthetic import CHARTER, END, parcels

BUDGET = Budget(trials=100_000, seconds=30)
#: Enough for sound trials on 3,000 rows.
MEMORY_MB = 500


class Misbehaving(Objective):
    """Sound for its first trials, and then not; `kind` names one of `KINDS`."""

    def __init__(self, sound: Objective, kind: str, charter: Charter) -> None:
        super().__init__(sound.training, sound.folds, sound.fixed, charter)
        self.kind, self.left = kind, SOUND_TRIALS[kind]

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        if not self.left:
            KINDS[self.kind]()
        self.left = max(0, self.left - 1)
        return super().evaluate(params, report=report, watch=watch)


def _hang() -> None:
    # A call into C that keeps the interpreter to itself: no Python of that process runs any more.
    ctypes.PyDLL(None).sleep(3_600)


def _sleep() -> None:
    time.sleep(3_600)


def _slow() -> None:
    time.sleep(11)


def _eat() -> None:
    held = []
    while True:
        held.append(bytearray(b"x") * 20_000_000)


def _nibble() -> None:
    held = []
    while True:
        held.append(bytearray(b"x") * 100_000)
        time.sleep(0.01)


KINDS = {"hangs in C": _hang, "sleeps": _sleep, "slow": _slow, "eats": _eat, "nibbles": _nibble, "late": _hang}
SOUND_TRIALS = {"hangs in C": 0, "sleeps": 1, "slow": 1, "eats": 0, "nibbles": 2, "late": 40}


def overruns(launches: int, folder: Path) -> Iterator[tuple[str, float]]:
    """(kind, seconds of the whole retrain) of one launch after another, the kinds in turn."""
    charter = CHARTER.replace("[retrain]", f"[retrain]\nmemory_mb = {MEMORY_MB}")
    with Workspace.create(folder / "overtime") as workspace:
        loop = parcels(workspace, charter=charter)
        for launch in range(launches):
            kind = list(KINDS)[launch % len(KINDS)]
            yield kind, _launch(loop, kind, launch)


def _launch(loop: Loop, kind: str, seed: int) -> float:
    def misbehaving(loop: Loop, training: TrainingSet, seed: int) -> Objective:
        return Misbehaving(objective_of(loop, training, seed), kind, loop.charter)

    # By its module: the package's `retrain` is the function.
    with patch.object(sys.modules[objective_of.__module__], "objective_of", misbehaving):
        return seconds(lambda: retrain(loop, as_of=END, actor="bench", seed=seed, budget=BUDGET))
