"""Retrains whose trials do what they should not: hang, sleep, take memory until it is refused. How far over their budget?"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from loop_core.charter import Charter
from loop_core.errors import NotReadyError
from loop_core.retrain import Budget, retrain
from loop_core.retrain.objective import Evaluation, Objective, Report, Watch
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.training import TrainingSet
from loop_core.workspace import Loop, Workspace
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
        held.append(np.ones(5_000_000))


def _nibble() -> None:
    held = []
    while True:
        held.append(np.ones(20_000))
        time.sleep(0.01)


KINDS = {"hangs in C": _hang, "sleeps": _sleep, "slow": _slow, "eats": _eat, "nibbles": _nibble, "late": _hang}
SOUND = "sound"
SOUND_TRIALS = {"hangs in C": 0, "sleeps": 1, "slow": 1, "eats": 0, "nibbles": 2, "late": 40}


@dataclass(frozen=True)
class Launch:
    """How one retrain ended."""

    kind: str
    seconds: float
    """All of it."""
    made: bool
    """Whether there is a model: where nothing could be fitted in what was left, a retrain says so instead."""


def overruns(launches: int, folder: Path) -> Iterator[Launch]:
    """One launch after another, the kinds in turn; before them one of a single sound trial, which does all imports."""
    charter = CHARTER.replace("[retrain]", f"[retrain]\nmemory_mb = {MEMORY_MB}")
    with Workspace.create(folder / "overtime") as workspace:
        loop = parcels(workspace, charter=charter)
        yield _launch(loop, SOUND, launches, Budget(trials=1, seconds=600))
        for launch in range(launches):
            kind = list(KINDS)[launch % len(KINDS)]
            yield _launch(loop, kind, launch, BUDGET)


def _launch(loop: Loop, kind: str, seed: int, budget: Budget) -> Launch:
    def misbehaving(loop: Loop, training: TrainingSet, seed: int) -> Objective:
        sound = objective_of(loop, training, seed)
        return sound if kind == SOUND else Misbehaving(sound, kind, loop.charter)

    # By its module: the package's `retrain` is the function.
    with patch.object(sys.modules[objective_of.__module__], "objective_of", misbehaving):
        began, made = time.perf_counter(), True
        try:
            retrain(loop, as_of=END, actor="bench", seed=seed, budget=budget)
        except NotReadyError:
            made = False
        return Launch(kind, time.perf_counter() - began, made)
