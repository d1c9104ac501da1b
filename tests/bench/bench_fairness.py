"""Fairness: how often its intervals hold the truth, how often equally fair models are called worse, and what it takes.

`python -m tests.bench fairness`; LOOPBENCH_BENCH_PARTS=speed, =coverage or =errors runs only that part, LOOPBENCH_BENCH_RUNS
sets the runs of each row. The worlds are those of tests/compare/fair_worlds.py. Intervals hold whichever pair of groups is
the widest, so at ties they cover more often than 95 times in 100.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from loop_core.charter.comparing import ComparePlan
from loop_core.compare import fairness, mutation_tests
from loop_core.vocabulary import Verdict
from loop_core.workspace import Workspace
from tests.bench.measure import Measurement, best_of
from tests.compare.fair_worlds import World, charter, coverage
from tests.compare.packages import trained
from tests.retrain.synthetic import CHARTER, END, parcels

PARTS = os.environ.get("LOOPBENCH_BENCH_PARTS", "speed,coverage,errors").split(",")
RUNS = int(os.environ.get("LOOPBENCH_BENCH_RUNS", 1000))
ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
MARGIN = 0.05

WORLDS = {
    "equal groups": World((0, 0, 0), (0, 0, 0)),
    "the gap opens": World((0, 0, 0), (0, 0.2, 0.4)),
    "both have gaps": World((0, 0.15, 0.3), (0, 0.2, 0.4)),
    "two groups": World((0, 0.3), (0, 0.4)),
    "other groups": World((0, 0, 0.3), (0.3, 0, 0)),
    "2 % true": World((0, 0.3), (0, 0.4), prevalence=0.02),
    "100 entities a group": World((0, 0.15, 0.3), (0, 0.2, 0.4), entities=300),
}


def measurements() -> Iterator[Measurement]:
    if "speed" in PARTS:
        yield from of_speed()
    if "coverage" in PARTS:
        yield from of_coverage()
    if "errors" in PARTS:
        yield from of_errors()


def of_speed() -> Iterator[Measurement]:
    for entities in (0, ROWS // 20):
        world = World((0, 0.1, 0.2, 0.3, 0, 0.1, 0, 0.1), (0,) * 8, entities=entities)
        pairs, cohorts = world.draw(np.random.default_rng(0), ROWS)
        what = f"fairness, {ROWS:,} rows, 8 groups" + (f", {entities:,} entities" if entities else "")
        yield Measurement(what, best_of(3, lambda given=(pairs, cohorts): fairness(charter(), *given)), "s")
    text = CHARTER.replace(
        "[retrain]", '[[mutations]]\nfeature = "weight"\nchange = "noise"\nstep = 1\nbound = 0.1\n[retrain]'
    )
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder) / "w") as workspace:
        loop = parcels(workspace, charter=text)
        version = trained(loop)
        taken = best_of(3, lambda: mutation_tests(loop, version, END, against=version))
    yield Measurement("a mutation of two models, 2,000 rows", taken, "s")


def of_coverage() -> Iterator[Measurement]:
    cases = [
        (name, measure, n)
        for n in (1_000, 5_000, 50_000)
        for name in WORLDS
        for measure in ("demographic_parity", "equalized_odds")
        if n > 1_000 or measure == "demographic_parity"
    ]
    # One after another: processes forked beside polars' threads wait for them for ever.
    for name, measure, n in cases:
        runs = RUNS if n < 50_000 else max(1, RUNS // 2)
        shares = coverage(WORLDS[name], measure, n, runs, seed=n)
        for which, share in zip(("champion's gap", "challenger's", "change"), shares, strict=True):
            yield Measurement(f"{n:,} rows, {name}, {measure}: {which} covered", share, "of runs", 0.935, True)


def of_errors() -> Iterator[Measurement]:
    """A margin of 0.05: equal models that are blocked, and a gap that widens by more that is let through."""
    for n in (2_000, 10_000, 50_000):
        same = _verdicts(WORLDS["both have gaps"], True, n)
        yield Measurement(f"{n:,} rows, equally fair: called worse", same[Verdict.WORSE], "of runs", 0.05)
        yield Measurement("… undecided", same[Verdict.INCONCLUSIVE], "of runs")
        opens = World((0, 0.1, 0.2), (0, 0.25, 0.5))
        wider, by = _verdicts(opens, False, n), -opens.truth("demographic_parity")[2]
        yield Measurement(f"{n:,} rows, wider by {by:.2f}: called not worse", wider[Verdict.NOT_WORSE], "of runs", 0.05)
        yield Measurement("… called worse", wider[Verdict.WORSE], "of runs")


def _verdicts(world: World, equal: bool, n: int) -> dict[Verdict, float]:
    """Verdict on demographic parity → share of the runs. Equal models: the champion treats groups as the challenger does."""
    world = replace(world, champion=world.challenger) if equal else world
    rules, rng = charter(compare=ComparePlan(fairness_margin=MARGIN)), np.random.default_rng(n)
    said = [fairness(rules, *world.draw(rng, n), seed=run)[0][0].verdict for run in range(RUNS)]
    return {verdict: said.count(verdict) / RUNS for verdict in Verdict}
