"""The search beside FLAML's and beside a loop that bins anew in every trial; and launches that try to overrun.

Half an hour, most of it the races. `LOOPBENCH_BENCH_SECONDS=300` for the long one, `LOOPBENCH_BENCH_SEEDS`,
`LOOPBENCH_BENCH_LAUNCHES=100` for the long run of launches (50 minutes); LOOPBENCH_BENCH_PARTS=olist_32k, =bike,
=employment or =launches runs only that part.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import median

from tests.bench.binning import rates
from tests.bench.judged import Side, by_origin, ratio, standard_error
from tests.bench.measure import Measurement
from tests.bench.overtime import BUDGET, overruns
from tests.bench.rivals import Attempt, flaml, ours, untuned
from tests.bench.splits import Split, splits

SECONDS = float(os.environ.get("LOOPBENCH_BENCH_SECONDS", 60))
SEEDS = int(os.environ.get("LOOPBENCH_BENCH_SEEDS", 3))
LAUNCHES = int(os.environ.get("LOOPBENCH_BENCH_LAUNCHES", 6))
PARTS = os.environ.get("LOOPBENCH_BENCH_PARTS", "olist_32k,bike,employment,launches").split(",")
_TO = "our time to what {} ended with, median"
#: FLAML's estimators, in words and as it names them.
RIVALS: dict[str, list[str] | str] = {"FLAML's lgbm": ["lgbm"], "FLAML's default list": "auto"}


@dataclass(frozen=True)
class Race:
    """One data set, every side with the same seeds."""

    origins: list[Split]
    attempts: dict[str, list[Attempt]]
    """Side → its search of each seed; origins in turn."""

    def pairs(self, name: str) -> list[tuple[Attempt, Attempt]]:
        """Ours and theirs, seed by seed."""
        return list(zip(self.attempts["ours"], self.attempts[name], strict=True))

    def shares(self, name: str) -> list[float]:
        """Of each seed, the share of the time after which ours was as good as theirs in the end; infinite: never."""
        return [our.seconds_to(their.value) / SECONDS for our, their in self.pairs(name)]

    def tests(self, name: str) -> Side:
        return by_origin([one.losses for one in self.attempts[name]], len(self.origins))


def measurements() -> Iterator[Measurement]:
    races: list[Race] = []
    with tempfile.TemporaryDirectory() as folder:
        for origins in splits(Path(folder), PARTS):
            if origins[0].name != "bike":
                yield from _binning(origins[0])
            races.append(_race(origins, Path(folder)))
            yield from _outcome(races[-1])
        if races[1:]:
            yield from _together(races)
        if "launches" in PARTS:
            yield from _launches(Path(folder))


def _race(origins: list[Split], folder: Path) -> Race:
    found: dict[str, list[Attempt]] = {name: [] for name in ("ours", *RIVALS)}
    for seed in range(SEEDS):
        split = origins[seed % len(origins)]
        for name in _in_turn(list(found), seed):
            attempt = (
                ours(split, SECONDS, seed, folder) if name == "ours" else flaml(split, SECONDS, seed, RIVALS[name])
            )
            found[name].append(attempt)
            _say(split, seed, name, attempt)
    return Race(origins, found)


def _outcome(race: Race) -> Iterator[Measurement]:
    for name in RIVALS:
        yield from _against(race, name)
    mine = race.tests("ours")
    plain = [untuned(split)[None] for split in race.origins[: len(mine)]]
    error = 100 * standard_error(mine, plain)
    what = f"{race.origins[0].name}: test loss, of default LightGBM's (standard error {error:.1f})"
    yield Measurement(what, 100 * ratio(mine, plain), "%", 100)


def _against(race: Race, name: str) -> Iterator[Measurement]:
    pairs, shares = race.pairs(name), race.shares(name)
    yield Measurement(f"{race.origins[0].name}: {_TO.format(name)}", median(shares), "of its", 0.5)
    yield Measurement("  the longest of the seeds (inf: validation loss never reached)", max(shares), "of its")
    best = [our.seconds_to(their.value) / their.best_seconds for our, their in pairs]
    yield Measurement("  of the time after which it found nothing better, median", median(best), "of its")
    validation = [our.value / their.value for our, their in pairs]
    yield Measurement("  final validation loss, of its, median", 100 * median(validation), "%")
    us, them = race.tests("ours"), race.tests(name)
    wins = sum(our.losses.mean() < their.losses.mean() for our, their in pairs)
    what = f"  test loss, of its (won {wins} of {len(pairs)}; < 100 + two standard errors)"
    yield Measurement(what, 100 * ratio(us, them), "%", 100 + 200 * standard_error(us, them))


def _together(races: list[Race]) -> Iterator[Measurement]:
    for name in RIVALS:
        shares = [share for race in races for share in race.shares(name)]
        reached = sum(isfinite(share) for share in shares)
        what = f"all data sets: {_TO.format(name)} (reached {reached} of {len(shares)} times)"
        yield Measurement(what, median(shares), "of its", 0.5)


def _binning(split: Split) -> Iterator[Measurement]:
    found = rates(split)
    what = f"{split.name}, {found.rows:,} rows, {found.folds} folds: trials a minute, bins made once"
    yield Measurement(what, found.a_minute("shared"), "a min")
    what = "  datasets built in every trial, folds one by one on two threads"
    yield Measurement(what, found.a_minute("naive"), "a min")
    yield Measurement("  ours, of those (median trial)", found.gain("naive"), "×", 1.5, more_is_better=True)
    what = "  ours, of the same with folds side by side (the binning alone)"
    yield Measurement(what, found.gain("side_by_side"), "×")


def _launches(folder: Path) -> Iterator[Measurement]:
    first, *found = overruns(LAUNCHES, folder)
    yield Measurement("start-up: a first retrain of one sound trial, with all imports", first.seconds, "s")
    for kind in dict.fromkeys(one.kind for one in found):
        took = max(one.seconds for one in found if one.kind == kind)
        yield Measurement(f"a retrain of {BUDGET.seconds:g} s whose trials misbehave ({kind}), the longest", took, "s")
    longest = max(one.seconds for one in found)
    yield Measurement(f"  the longest of {LAUNCHES}", longest, "s", 1.05 * BUDGET.seconds)
    yield Measurement("  launches that ended without a model", sum(not one.made for one in found), "launches")


def _in_turn(names: list[str], seed: int) -> list[str]:
    """Everybody is first once: who else uses the machine does not favour one."""
    turn = seed % len(names)
    return names[turn:] + names[:turn]


def _say(split: Split, seed: int, name: str, found: Attempt) -> None:
    said = f"{split.name}, {split.back_days} days back, seed {seed}, {name}: validation {found.value:.6g}, test {found.losses.mean():.6g}"
    said += f", best after {found.best_seconds:.1f} s, trials {found.trials or '?'}"
    print(f"{said}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
