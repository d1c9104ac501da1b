"""Comparisons: what they take beside Fairlearn, how often their intervals and gates are right.

`python -m tests.bench compare`; LOOPBENCH_BENCH_PARTS=speed, =coverage or =releases runs only that part,
LOOPBENCH_BENCH_RUNS sets the runs of each row. The worlds are those of tests/compare/worlds.py and releases.py; the
learner of equal challengers is LightGBM, with another seed and another sample each.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt

from tests.bench.coverage import Coverage, coverage
from tests.bench.measure import Measurement, seconds

PARTS = os.environ.get("LOOPBENCH_BENCH_PARTS", "speed,coverage,releases").split(",")
RUNS = int(os.environ.get("LOOPBENCH_BENCH_RUNS", 1000))
ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
LEAN = ("log_loss", "auc", "brier")
ALL = (*LEAN, "average_precision", "accuracy", "precision", "recall", "f1", "ece", "cost")


def measurements() -> Iterator[Measurement]:
    if "speed" in PARTS:
        yield from of_speed()
    if "coverage" in PARTS:
        yield from of_coverage()
    if "releases" in PARTS:
        yield from of_releases()


def of_speed() -> Iterator[Measurement]:
    lean, wide = _step("lean"), _step("wide")
    yield Measurement(f"{ROWS:,} rows, 20 cohorts, log loss + AUC + Brier, intervals", lean["seconds"], "s", 2)
    theirs = fairlearn_seconds()
    yield Measurement("Fairlearn's MetricFrame, 100,000 rows, the same metrics, 5 draws", theirs, "s")
    # Its time grows with rows and with draws, so 1,000 draws of a million rows take 2,000 times as long.
    ratio = theirs * (ROWS / 100_000) * (1000 / 5) / lean["seconds"]
    yield Measurement("… extrapolated linearly to these rows and 1,000 draws, by ours", ratio, "x", 1000, True)
    yield Measurement(f"{ROWS:,} rows x 500 cohorts x 10 metrics, intervals", wide["seconds"], "s", 10)
    yield Measurement("… peak memory of the process", wide["megabytes"], "MB", 2000)


def of_coverage() -> Iterator[Measurement]:
    """Each row: share of 95 % intervals that hold the truth; printed beside: how often there is an interval at all."""
    from loop_core.compare import METRICS

    cases = [
        (metric, n, prevalence, clustered)
        for metric in METRICS
        for n in (500, 5_000, 50_000)
        for prevalence in (0.5, 0.02)
        for clustered in (False, True)
        if prevalence == 0.5 or metric not in ("mae", "mse", "rmse", "bias", "pinball")
    ]
    with ProcessPoolExecutor(2) as pool:
        for found in pool.map(_covered, cases):
            rows = "entities" if found.clustered else "rows"
            what = f"{found.metric}, n = {found.n:,}, {found.prevalence:.0%}, {rows}"
            if found.estimable < 0.05:
                yield Measurement(f"{what}: no interval (too few rows), share with one", 100 * found.estimable, "%")
            else:
                yield Measurement(f"{what}, there in {found.estimable:.0%}: covers", 100 * found.covered, "%")


def of_releases() -> Iterator[Measurement]:
    from tests.compare.releases import decided_after, equal_models, exchangeable, one_harmed

    for name, learn in (("exchangeable scores", exchangeable), ("LightGBM, another seed and sample", learned)):
        rng = np.random.default_rng(1)
        runs = [equal_models(rng, learn) for _ in range(RUNS)]
        states = [state for state, _ in runs]
        yield Measurement(f"equal, {name}, 12 x 500 rows: blocked", 100 * states.count("blocked") / RUNS, "%", 5)
        yield Measurement("… held as inconclusive", 100 * states.count("held") / RUNS, "%")
    for margins in (0.5, 1.0, 1.5, 2.0, 3.0):
        rng, times = np.random.default_rng(2), RUNS // 4
        states = [one_harmed(rng, margins) for _ in range(times)]
        what = f"2,500 of 50,000 rows harmed by {margins:g} margins"
        passed = 100 * sum(state == "passed" for state, _ in states) / times
        yield Measurement(f"{what}: let through", passed, "%", 5 if margins >= 2 else None)
        yield Measurement("… called worse", 100 * sum(v.value == "worse" for _, v in states) / times, "%")
    for separation in (1.0, 1.05, 0.97):
        rng = np.random.default_rng(3)
        tried = [found for found in (decided_after(rng, separation) for _ in range(RUNS // 2)) if found is not None]
        what = f"inconclusive at 600 rows, separation 1 against {separation:g}: decided by the rows asked for"
        yield Measurement(what, 100 * sum(tried) / len(tried), "%", 80, True)


def fairlearn_seconds() -> float:
    from fairlearn.metrics import MetricFrame
    from sklearn import metrics as sk

    labels, champion, _, places = _rows(100_000, 20)
    kinds = {"log_loss": sk.log_loss, "auc": sk.roc_auc_score, "brier": sk.brier_score_loss}
    return seconds(
        lambda: MetricFrame(
            metrics=kinds,
            y_true=labels,
            y_pred=champion,
            sensitive_features=places,
            n_boot=5,
            ci_quantiles=[0.025, 0.975],
        )
    )


def learned(rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], ...]:
    """(labels, scores, scores) of 6,000 rows by two LightGBM models of the same parameters, seed and sample apart."""
    import lightgbm as lgb

    def sample(n: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        x = rng.standard_normal((n, 5))
        return x, (rng.random(n) < 1 / (1 + np.exp(1 - x[:, 0] - 0.5 * x[:, 1] * x[:, 2]))).astype(np.float64)

    test, labels = sample(6000)
    scores = []
    for _ in range(2):
        x, y = sample(3000)
        params = {
            "objective": "binary",
            "verbose": -1,
            "num_threads": 1,
            "seed": int(rng.integers(1 << 30)),
            "num_leaves": 8,
        }
        scores.append(lgb.train(params, lgb.Dataset(x, y), 40).predict(test))
    return labels, scores[0], scores[1]


def _covered(case: tuple[str, int, float, bool]) -> Coverage:
    metric, n, prevalence, clustered = case
    return coverage(metric, n, prevalence, clustered, max(200, RUNS // (4 if n == 50_000 else 1)))


def _step(which: str) -> dict[str, float]:
    """Run a part of this file in a process of its own, for its memory."""
    code = f"from tests.bench import bench_compare as b; b.speed({which!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(which: str) -> None:
    """Print seconds and peak memory of one comparison, reading of rows left out."""
    from loop_core.compare import Grouping, Pairs, Terms, Units, estimates, everybody

    columns, values, metrics = (1, 20, LEAN) if which == "lean" else (10, 50, ALL)
    labels, champion, challenger, _ = _rows(ROWS, values)
    rng = np.random.default_rng(1)
    pairs = Pairs(labels, champion, challenger, Units(None, ROWS))
    groupings = [everybody(ROWS)] + [
        Grouping(f"c{k}", tuple(f"v{v}" for v in range(values)), rng.integers(0, values, ROWS)) for k in range(columns)
    ]
    terms = Terms(threshold=0.3, false_alarm=0.3, miss=0.7)
    began = time.perf_counter()
    for grouping in groupings:
        for metric in metrics:
            estimates(metric, pairs, grouping, terms)
    took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


@cache
def _rows(n: int, values: int) -> tuple[npt.NDArray[np.float64], ...]:
    from tests.compare.worlds import two_models

    rng = np.random.default_rng(0)
    return (*two_models(rng, n), rng.integers(0, values, n))
