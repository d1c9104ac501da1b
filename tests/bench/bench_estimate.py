"""CBPE beside nannyml's, both in this process, on nannyml's car loans; completeness and estimates at 100,000 predictions."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from loop_core.clock import instant
from loop_core.labels import completeness
from loop_core.monitor import calibration, estimated_performance, performance
from loop_core.monitor.estimate import fit_binary
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import first_champion
from loop_core.workspace import Workspace
from tests.bench.measure import Measurement, best_of

CHUNK, ROWS = 5_000, 100_000
METRICS = {"auc": "roc_auc", "f1": "f1", "precision": "precision", "recall": "recall", "accuracy": "accuracy"}


def measurements() -> Iterator[Measurement]:
    yield from _beside_nannyml()
    yield from _of_a_loop()


def _beside_nannyml() -> Iterator[Measurement]:
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    warnings.simplefilter("ignore")
    import nannyml

    folder = Path(nannyml.__file__).parent / "datasets" / "data"
    reference, analysis = (pd.read_csv(folder / f"synthetic_car_loan_{part}.csv") for part in ("reference", "analysis"))

    def theirs() -> list[float]:
        estimator = nannyml.CBPE(
            y_pred_proba="y_pred_proba",
            y_pred="y_pred",
            y_true="repaid",
            metrics=list(METRICS.values()),
            chunk_size=CHUNK,
            problem_type="classification_binary",
        )
        found = estimator.fit(reference).estimate(analysis).filter(period="analysis").to_df()
        return [float(value) for value in found[("roc_auc", "value")]]

    def ours() -> list[float]:
        known, labels = reference["y_pred_proba"].to_numpy(), reference["repaid"].to_numpy(float)
        estimator = fit_binary(known, labels)
        scores = np.concatenate([known, analysis["y_pred_proba"].to_numpy()])
        chunks = [scores[start : start + CHUNK] for start in range(0, len(scores), CHUNK)]
        found = [[estimator.estimate(name, chunk) for name in METRICS] for chunk in chunks]
        return [one[0].value for one in found[len(known) // CHUNK :] if one[0] is not None]

    apart = max(abs(a - b) for a, b in zip(theirs(), ours(), strict=True))
    yield Measurement("CBPE: largest distance from nannyml's AUC over chunks", apart, "", 1e-3)
    slow, fast = best_of(2, theirs), best_of(3, ours)
    yield Measurement("CBPE: nannyml, car loans, five metrics", slow, "s")
    yield Measurement("CBPE: here, the same", fast, "s")
    yield Measurement("CBPE: times faster than nannyml", slow / fast, "×", 5, more_is_better=True)


def _of_a_loop() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder) / "w") as workspace:
        import_recipe(workspace, "deliveries", Simulation(ROWS, 0), actor="bench", as_of=instant("2026-01-01"))
        loop = workspace.loop("deliveries")
        first_champion(loop, external="incumbent-1", actor="bench")
        as_of = loop.present(instant("2026-01-01"))
        for what, work in {
            "performance, 52 weeks": lambda: performance(loop, as_of, weeks=52),
            "performance with its trend, 52 weeks": lambda: performance(loop, as_of, weeks=52, trend=True),
            "estimated_performance, 52 weeks": lambda: estimated_performance(loop, as_of, weeks=52),
            "calibration, 12 weeks": lambda: calibration(loop, as_of),
            "completeness": lambda: completeness(loop, as_of),
        }.items():
            work()
            yield Measurement(f"{what} ({ROWS:,} predictions, warm)", best_of(3, work), "s", 1)
