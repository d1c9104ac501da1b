"""Policies drawn against each other: the line ends where the table does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loop_core.charts import policy_losses, specification
from loop_core.monitor.losses import of_mean
from loop_core.policies import PolicyReplay, PolicyRun
from tests.charts import made


def judged(run: PolicyRun, metric: str, losses: list[list[float]]) -> PolicyRun:
    """A run with the values of such losses, by step and over all; the last step has none."""

    def value(rows: list[float]) -> float:
        return float(of_mean(metric, np.asarray(np.mean(rows)))[0])

    windows = tuple(
        replace(window, value=value(rows), n=len(rows)) if rows else replace(window, value=None, n=0)
        for window, rows in zip(run.windows, losses, strict=True)
    )
    everything = [loss for rows in losses for loss in rows]
    return replace(run, windows=windows, value=value(everything), n=len(everything))


@pytest.mark.parametrize("metric", ["rmse", "mae", "accuracy"])
def test_the_last_point_is_the_difference_of_the_whole(metric: str) -> None:
    found: PolicyReplay = made.policies(weeks=4)
    # Many small errors in one step and a few large ones in another: where means of roots go wrong.
    losses = {"tried": [[1.0] * 90, [0.0], [1.0, 0.0], []], "never": [[1.0] * 90, [1.0], [0.0, 1.0], []]}
    runs = tuple(judged(run, metric, losses.get(run.name, losses["never"])) for run in found.runs)
    found = replace(found, metric=metric, runs=runs)
    rows = specification(policy_losses(found, over="never"))["data"]["values"]
    tried = [row["value"] for row in rows if row["policy"] == "tried"]
    assert tried[-1] is None
    whole, usual = found.run("tried").value, found.run("never").value
    assert whole is not None
    assert usual is not None
    assert tried[-2] == pytest.approx(whole - usual)
