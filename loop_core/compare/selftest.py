"""How good are these gates? A loop's own gates on its own data: equal models, and models with a planted harm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from loop_core.charter import Charter, Metric
from loop_core.compare.cells import all_cells
from loop_core.compare.gates import evaluate_gates
from loop_core.compare.groups import groupings, groups
from loop_core.compare.harm import harmed
from loop_core.compare.metrics import Pairs
from loop_core.compare.pairing import Comparison, paired_rows
from loop_core.errors import NotReadyError, RefusedError
from loop_core.feedback.intervals import wilson
from loop_core.figures import numbers_apart, shares_apart
from loop_core.frames import to_json
from loop_core.monitor.losses import ROW_LOSSES
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import numpy.typing as npt

#: Harms that are planted, in margins of the cohort.
LEVELS = (0.5, 1.0, 2.0, 4.0)
#: Share of runs in which a harm has to be caught to count as caught.
CAUGHT = 0.8
#: Metrics by which harm is planted: losses that change with every score.
PLANTED = frozenset(ROW_LOSSES) - {"accuracy"}
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class HarmRate:
    """One harm in one cohort value, tried many times."""

    cohort: str
    cohort_value: str
    n: int
    """Rows of the cohort value in the comparison."""
    metric: str
    margins: float
    """The harm over the margin of the cohort."""
    harm: float
    """By how much the metric is worse in these rows, in its unit."""
    blocked: float
    """Share of runs in which the release was blocked, 0..1."""
    let_through: float
    """Share of runs in which every gate passed, 0..1; the rest was held."""


@dataclass(frozen=True)
class SelfTest:
    """What the gates of a loop do to models that are equal, and to ones that are not."""

    loop: str
    champion: str
    challenger: str
    """The model whose differences from the champion are the noise of the test."""
    as_of: datetime
    n: int
    """Rows."""
    runs: int
    """Pairs of equal models."""
    blocked: int
    """How many of them were blocked: false blocks."""
    held: int
    """How many were held."""
    harm_runs: int
    """Runs of each harm."""
    harms: tuple[HarmRate, ...]
    seed: int
    snapshot: int
    charter_hash: str
    sample: int = 0
    """Rows of a random sample that are not due, which comparisons rest on and this test does not."""
    unlabelled: int = 0
    """Due rows that no label came for, likewise, where they are bounded."""

    @property
    def false_block(self) -> tuple[float, float, float]:
        """Share of equal models that are blocked, with its 95 % Wilson interval."""
        low, high = wilson(self.blocked, self.runs) or (0.0, 1.0)
        return self.blocked / self.runs, low, high

    def smallest_caught(self, cohort: str, cohort_value: str) -> float | None:
        """Smallest harm of a cohort value that is blocked 80 % of the time, between the tried ones by straight lines, in the
        metric's unit; None: not even the largest is."""
        tried = [(0.0, 0.0)] + [
            (h.harm, h.blocked) for h in self.harms if (h.cohort, h.cohort_value) == (cohort, cohort_value)
        ]
        for (low, before), (high, after) in pairwise(tried):
            if after >= CAUGHT:
                return low + (high - low) * (CAUGHT - before) / (after - before)
        return None

    @property
    def sentence(self) -> str:
        """The result in words."""
        rate, low, high = self.false_block
        told, *ends = shares_apart(rate, low, high, digits=1)
        said = f"Of {self.runs} pairs of equal models {told} were blocked (95 % {' to '.join(ends)})"
        said += f" and {self.held / self.runs:.0%} held." if self.held else "."
        return " ".join([said, *self._caught(), *self._left_out()])

    def _left_out(self) -> Iterator[str]:
        if self.sample:
            yield f"{self.sample:,} rows of a random sample that are not due were left out."
        if self.unlabelled:
            yield f"{self.unlabelled:,} rows that no label came for were left out: comparisons, which bound them, are held more often."

    def _caught(self) -> Iterator[str]:
        places = list(dict.fromkeys((h.cohort, h.cohort_value) for h in self.harms))
        if not places:
            yield "No cohort has rows enough to plant a harm in."
            return
        found = {place: self.smallest_caught(*place) for place in places}
        known = {place: harm for place, harm in found.items() if harm is not None}
        if known:
            (cohort, value), harm = min(known.items(), key=lambda item: item[1])
            metric = self.harms[0].metric.replace("_", " ")
            yield f"The smallest harm that is blocked 4 times in 5 is {numbers_apart(harm, digits=4)[0]} {metric} (where {cohort} is {value})."
        missed = len(found) - len(known)
        if missed:
            yield f"In {missed} of {len(found)} cohort values not even {LEVELS[-1]:g} margins are."


def selftest(
    loop: Loop,
    as_of: datetime,
    *,
    challenger: str | None = None,
    runs: int = 200,
    harm_runs: int = 25,
    seed: int = 0,
    actor: str | None = None,
    progress: Progress | None = None,
) -> SelfTest:
    """Try the loop's gates on its own rows.

    Equal models are made of two real ones by exchanging their answers, unit by unit, with a fair coin: whatever one is
    better at, the exchanged ones are equally good, and differ as real models do (a randomisation test, Fisher 1935). Harm is
    planted on top, in one cohort value at a time, by noise on the exchanged challenger's scores.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing known later is used.
        challenger: whose differences from the champion are taken; None: the one compared last.
        runs: pairs of equal models.
        harm_runs: runs of each harm; 0: no harm is planted.
        seed: of coins and noise.
        actor: who asks; the result is then put on record. None: it is not.
        progress: called with the share done and a sentence.

    Raises:
        NotReadyError: no champion, nothing was compared yet, or no common mature rows.
        RefusedError: no runs.
        UnknownNameError: no such version.
    """
    if runs < 20 or harm_runs < 0:
        raise RefusedError(f"{runs} runs, {harm_runs} of each harm", "at least 20 and 0", "ask for more")
    champion, other = loop.champion(as_of), challenger or _last_compared(loop, as_of)
    if champion is None or other is None or champion == other:
        raise NotReadyError(
            f"{loop.name} has no two models whose answers could be exchanged as of {as_of:%Y-%m-%d}",
            "a champion, and a challenger that was compared with it",
            "compare a challenger first, or name one",
        )
    snapshot = loop.lake.snapshot()
    rows = paired_rows(loop, champion, other, as_of, snapshot=snapshot, sampled=True)
    if not len(rows.pairs):
        raise NotReadyError(
            f"{loop.name} has compared rows of a random sample alone, and gates are tried on rows that are due",
            "predictions whose label horizon has passed",
            "try the gates once there are some",
        )
    trial = _Trial(loop.charter, rows, seed)
    plan = list(trial.plan()) if harm_runs else []
    total, say = runs + harm_runs * len(plan), progress or (lambda share, sentence: None)
    states = []
    for run in range(runs):
        say(run / total, f"Equal models: {run} of {runs}")
        states.append(trial.state(trial.equal(run)))
    harms = []
    for k, place in enumerate(plan):
        say((runs + k * harm_runs) / total, f"Harm in {place.cohort} {place.value}: {place.level:g} margins")
        harms.append(trial.rate(place, harm_runs))
    found = SelfTest(
        loop=loop.name,
        champion=champion,
        challenger=other,
        as_of=as_of,
        n=len(rows.pairs),
        runs=runs,
        blocked=states.count("blocked"),
        held=states.count("held"),
        harm_runs=harm_runs,
        harms=tuple(harms),
        seed=seed,
        snapshot=snapshot,
        charter_hash=loop.charter.hash,
        sample=rows.judged.labelled - len(rows.pairs),
        unlabelled=rows.unlabelled if rows.never == "bounded" else 0,
    )
    if actor:
        _record(loop, found, actor)
    return found


def latest_selftest(loop: Loop, as_of: datetime) -> SelfTest | None:
    """The newest result on record; None: there is none. It is about another charter where `charter_hash` differs."""
    entries = loop.entries("selftest.made", as_of)
    if not entries:
        return None
    payload = dict(entries[-1].payload)
    payload["as_of"] = datetime.fromisoformat(payload["as_of"])
    payload["harms"] = tuple(HarmRate(**harm) for harm in payload["harms"])
    return SelfTest(**payload)


@dataclass(frozen=True)
class _Place:
    """One harm to plant."""

    cohort: str
    value: str
    rows: npt.NDArray[np.int64]
    metric: Metric
    level: float

    @property
    def harm(self) -> float:
        return self.level * self.metric.margin_for(self.cohort)


class _Trial:
    """Runs of the gates on one set of rows."""

    def __init__(self, charter: Charter, rows: Comparison, seed: int) -> None:
        self._charter, self._rows, self._seed = charter, rows, seed
        self._groupings = groupings(charter, rows.cohorts, len(rows.pairs))

    def plan(self) -> Iterator[_Place]:
        """Every harm that can be planted: cohort values with enough rows, by the first binding metric of losses."""
        metric = next((m for m in self._charter.metrics if m.block != "signal" and m.name in PLANTED), None)
        if metric is None:
            return
        for cohort in self._charter.cohorts:
            for value, rows in groups(cohort, self._rows.cohorts[cohort.name]):
                if len(rows) >= cohort.min_rows:
                    yield from (_Place(cohort.name, value, rows, metric, level) for level in LEVELS)

    def equal(self, run: int) -> Pairs:
        """The pairs with answers exchanged by a coin for each unit."""
        pairs = self._rows.pairs
        coins = np.random.default_rng([self._seed, run]).random(pairs.units.count) < 0.5
        swap = coins if pairs.units.codes is None else coins[pairs.units.codes]
        wide = swap[:, None] if pairs.champion.ndim == 2 else swap
        first, second = pairs.champion, pairs.challenger
        return Pairs(pairs.labels, np.where(wide, second, first), np.where(wide, first, second), pairs.units)

    def state(self, pairs: Pairs) -> str:
        """What the gates say: `blocked`, `held` or `passed`."""
        cells = all_cells(self._charter, pairs, self._groupings)
        states = {gate.state for gate in evaluate_gates(self._charter, cells, len(pairs))}
        return next((state for state in ("blocked", "held") if state in states), "passed")

    def rate(self, place: _Place, runs: int) -> HarmRate:
        """How often one harm is caught."""
        task, name = self._charter.loop.task, place.metric.name
        states = [
            self.state(harmed(self.equal(run), place.rows, name, place.harm, task, self._noise(place, run)))
            for run in range(runs)
        ]
        return HarmRate(
            cohort=place.cohort,
            cohort_value=place.value,
            n=len(place.rows),
            metric=name,
            margins=place.level,
            harm=place.harm,
            blocked=states.count("blocked") / runs,
            let_through=states.count("passed") / runs,
        )

    def _noise(self, place: _Place, run: int) -> int:
        text = f"{self._seed} {place.cohort} {place.value} {place.level} {run}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _last_compared(loop: Loop, as_of: datetime) -> str | None:
    champion = loop.champion(as_of)
    made = [e for e in loop.entries("comparison.made", as_of) if e.payload["champion"] == champion]
    return made[-1].subject if made else None


def _record(loop: Loop, found: SelfTest, actor: str) -> None:
    payload: dict[str, Any] = to_json(found)
    loop.ledger.append(
        kind="selftest.made",
        loop=loop.name,
        subject=found.champion,
        actor=actor,
        as_of=found.as_of,
        reason=found.sentence,
        payload=payload,
        key=f"selftest:{loop.name}:{hashlib.sha256(str(sorted(payload.items())).encode()).hexdigest()[:16]}",
    )
