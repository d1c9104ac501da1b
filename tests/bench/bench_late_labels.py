"""Verdicts that are given before all labels are in, against the final ones, in worlds where the labels that come first turn
it round: frauds that the champion sees are known after a day, those that the challenger sees after forty. And models that
are equally good on random samples that end with, or before, the first row that waits for its label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from loop_core.compare import Estimate, Pairs, estimate
from loop_core.compare.verdict import verdict
from loop_core.vocabulary import Verdict
from tests.bench.measure import Measurement
from tests.compare.ended_samples import End, ended
from tests.compare.late_labels import HORIZON, World, world

SEEDS, MARGIN = 200, 0.001
#: Days after the first prediction: of the early comparison, and of one where half of the rows are due.
EARLY, HALF = 29, HORIZON + 14
#: Share of the predictions that a random sample draws, and of the late frauds that never get a label.
DRAWN, SILENT = 0.3, 0.95
OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


def measurements() -> Iterator[Measurement]:
    found = [_verdicts(seed) for seed in range(SEEDS)]
    for what, allowed in {
        "labels that came early": None, "rows that are due": 0, "a random sample, weighted": 0,
        "labels that came, late ones missing": None, "missing labels bounded": 0,
    }.items():  # fmt: skip
        pairs = [(one[what], one["final"]) for one in found]
        turned = sum(OPPOSITE.get(first) is last for first, last in pairs)
        decided = sum(first in (*OPPOSITE, Verdict.NOT_WORSE) for first, _ in pairs)
        yield Measurement(f"{what}: turned round, ± {_error(turned):.1%}", 100 * turned / SEEDS, "%", allowed)
        yield Measurement(f"{what}: decided", 100 * decided / SEEDS, "%")
    for share in (0.9, 0.95, 0.99, 0.999):
        yield Measurement(
            f"log loss of a window read when {share:.1%} of its labels are in, too low by", 100 * _too_low(share), "%"
        )
    for (what, drawn), ends in product(_SAMPLES.items(), _ENDS):
        wrong = [ended(seed, **drawn).verdict(ends) is Verdict.BETTER for seed in range(SAMPLES)]
        yield Measurement(f"{what}, {_ENDS[ends]}: wrong better", 100 * float(np.mean(wrong)), "%")


#: Draws of each kind of sample; one that is right 95 times in 100 is called better wrongly in 2.5 ± 0.4 %.
SAMPLES = 1_500
_SAMPLES: dict[str, dict[str, Any]] = {
    "20 late rows expected": {"expected": 20},
    "60 late rows expected": {"expected": 60},
    "60, in bursts of 5": {"expected": 60, "burst": 5},
    "60, entities of 5 spread out": {"expected": 60, "burst": 5, "spread": 200.0},
    "no late label can be there yet": {"expected": 0, "soon_share": 0.4},
    "no late label yet, bursts of 5": {"expected": 0, "burst": 5, "soon_share": 0.4},
}
_ENDS: dict[End, str] = {
    "fixed": "end fixed in time", "before": "up to the first that waits", "with": "with it and its entity",
}  # fmt: skip


def _too_low(share: float, n: int = 200_000) -> float:
    """By how much of itself a calibrated model's log loss is too low while only the quickest labels are in: of orders of which 4 %
    come after they were promised, and whose label is known when they come."""
    rng = np.random.default_rng(0)
    days = rng.lognormal(np.log(10), 0.5, n)
    late, seen = days > 24, np.log(days) + rng.normal(0, 0.6, n)
    chance = np.empty(n)
    for alike in np.array_split(np.argsort(seen), 100):
        chance[alike] = np.clip(late[alike].mean(), 1e-4, 1 - 1e-4)
    loss = -np.log(np.where(late, chance, 1 - chance))
    return float(1 - loss[days <= np.quantile(days, share)].mean() / loss.mean())


def _error(turned: int) -> float:
    """Monte-Carlo error of a share of the seeds; where none or all turned, what 95 % of such benches would stay within."""
    share = turned / SEEDS
    if share in (0, 1):
        return float(1 - 0.05 ** (1 / SEEDS))
    return float(np.sqrt(share * (1 - share) / SEEDS))


def _verdicts(seed: int) -> dict[str, Verdict]:
    made, n = world(seed), 24_000
    rng = np.random.default_rng([seed, 14])
    drawn = rng.random(n) < DRAWN
    silent = (made.delay > 1) & (rng.random(n) < SILENT)
    sample = replace(made.pairs(drawn), weights=np.full(int(drawn.sum()), 1 / DRAWN))
    missing = World(made.age, np.where(silent, np.nan, made.label), made.delay, made.old, made.new)
    rows = {
        "labels that came early": made.pairs(made.age + made.delay <= EARLY),
        "rows that are due": made.pairs(made.age + HORIZON <= HALF),
        "a random sample, weighted": sample,
        "labels that came, late ones missing": missing.pairs(~silent),
        "missing labels bounded": missing.pairs(np.ones(n, dtype=bool)),
        "final": made.pairs(np.ones(n, dtype=bool)),
    }
    return {what: _verdict(pairs) for what, pairs in rows.items()}


def _verdict(pairs: Pairs) -> Verdict:
    found = estimate("log_loss", pairs)
    return verdict(found.ci_low, found.ci_high, MARGIN) if isinstance(found, Estimate) else Verdict.NOT_APPLICABLE
