"""Trials that hang, eat memory or die are ended; the search goes on and keeps its time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loop_core.errors import RefusedError, StoppedError
from loop_core.retrain.apart import Apart, TrialFailedError
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.objective import Evaluation, FoldResult, PrunedError, Report, Watch
from loop_core.retrain.search import Limits, search
from loop_core.retrain.space import DEFAULTS, RANGES, inside
from loop_core.retrain.study import Search

HOUR = 3_600.0


class EndsWhen(Clock):
    """Time enough until something has happened, and then none."""

    def __init__(self, happened: Callable[[], bool]) -> None:
        super().__init__(HOUR)
        self._happened = happened

    @property
    def left(self) -> float:
        return -1.0 if self._happened() else super().left


class Odd:
    """A trial does what its number of leaves says; it counts its processes in a file, and says there that it hangs."""

    def __init__(self, started: Path | None = None) -> None:
        self.started, self.pid = started, 0

    def hangs(self) -> bool:
        return self.started is not None and self.started.with_suffix(".hangs").exists()

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        if self.pid != os.getpid() and self.started:
            self.pid = os.getpid()
            with self.started.open("a") as file:
                file.write(f"{self.pid}\n")
        leaves = params["num_leaves"]
        if leaves == 4:
            if self.started:
                self.started.with_suffix(".hangs").touch()
            time.sleep(HOUR)
        if leaves == 5:
            np.ones(2_000_000_000).sum()
        if leaves == 6:
            os._exit(3)
        if leaves == 7:
            raise ValueError("contradicts itself")
        if report and report(1, float(leaves)):
            raise PrunedError("enough")
        fold = FoldResult(float(leaves), float(leaves), 10, np.full(3, 0.5))
        return Evaluation((fold,))


def params(leaves: int) -> dict[str, float | int]:
    return {**inside(DEFAULTS), "num_leaves": leaves}


def test_the_answer_is_that_of_the_evaluator(tmp_path: Path) -> None:
    with Apart(Odd(tmp_path / "pids")) as apart:
        assert [apart.evaluate(params(n)).value for n in (20, 30)] == [20.0, 30.0]
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) == 1, "one process for all trials"
    assert pids != [str(os.getpid())]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids[0]), 0)


def test_a_trial_is_given_up_by_the_one_who_asked() -> None:
    with Apart(Odd()) as apart:
        with pytest.raises(PrunedError):
            apart.evaluate(params(20), report=lambda folds, value: (folds, value) == (1, 20.0))
        assert apart.evaluate(params(21), report=lambda folds, value: False).value == 21


def test_a_hanging_trial_is_ended_in_time_and_on_request() -> None:
    with Apart(Odd()) as apart:
        apart.evaluate(params(20))
        for stop in (lambda: True, None):
            clock = Clock(1e9 if stop else 0.5, stop)
            with pytest.raises(StoppedError if stop else OutOfTimeError):
                apart.evaluate(params(4), watch=clock.watch())
        assert apart.evaluate(params(22)).value == 22


@pytest.mark.parametrize(
    ("leaves", "said"), [(5, "ran out of the memory"), (6, "its process ended"), (7, "contradicts itself")]
)
def test_a_trial_that_fails_says_why_and_the_next_one_does_not(leaves: int, said: str) -> None:
    with Apart(Odd(), memory_mb=500) as apart:
        with pytest.raises(TrialFailedError, match=said):
            apart.evaluate(params(leaves))
        assert apart.evaluate(params(23)).value == 23


def study(tmp_path: Path) -> Search:
    return Search(f"sqlite:///{tmp_path}/studies.db", "odd", 1, seed=0)


def test_a_search_over_odd_trials_finds_the_best_of_the_sound_ones(tmp_path: Path) -> None:
    tried = [params(n) for n in (20, 5, 6, 7, 12)]
    with Apart(Odd(), memory_mb=500) as apart:
        found = search(study(tmp_path), apart, Limits(5, Clock(HOUR)), tried)
    assert found is not None
    assert (found.params["num_leaves"], found.first_value) == (12, 20.0)
    assert [(t.state, bool(t.reason)) for t in found.trials] == [
        ("complete", False), ("fail", True), ("fail", True), ("fail", True), ("complete", False)
    ]  # fmt: skip


def test_a_search_with_a_hanging_trial_keeps_its_time(tmp_path: Path) -> None:
    odd = Odd(tmp_path / "trials")
    with Apart(odd) as apart:
        found = search(study(tmp_path), apart, Limits(9, EndsWhen(odd.hangs)), [params(20), params(4)])
    assert found is not None, "it came back, and the trial would have taken an hour"
    assert [t.params["num_leaves"] for t in found.trials] == [20]


def test_a_search_ends_where_nothing_better_is_expected(tmp_path: Path) -> None:
    with Apart(Odd()) as apart:
        tried = [params(n) for n in (12, 20, 21, 22, 23, 24, 25)]
        found = search(study(tmp_path), apart, Limits(7, Clock(HOUR), patience=3), tried)
    assert found is not None
    assert [t.params["num_leaves"] for t in found.trials] == [12, 20, 21, 22]


def failing(tmp_path: Path) -> Search:
    """A search all of whose trials contradict themselves."""
    return Search(f"sqlite:///{tmp_path}/studies.db", "odd", 1, seed=0, ranges={**RANGES, "num_leaves": (7, 7, True)})


def test_a_search_all_of_whose_trials_fail_is_refused_with_the_reason(tmp_path: Path) -> None:
    with Apart(Odd()) as apart:
        for _ in range(2):
            with pytest.raises(RefusedError, match=r"All 3 trials failed, 3 of them so: contradicts .*memory_mb"):
                search(failing(tmp_path), apart, Limits(3, Clock(HOUR)), [])
    assert len(failing(tmp_path).finished) == 3


def test_a_search_that_had_no_time_for_a_sound_trial_is_not_refused(tmp_path: Path) -> None:
    odd = Odd(tmp_path / "trials")
    with Apart(odd) as apart:
        assert search(study(tmp_path), apart, Limits(9, EndsWhen(odd.hangs)), [params(7), params(4)]) is None


class Costly:
    """Trials that take 100 s of a clock each, and no time; 20 leaves are the best."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.calls = clock, 0

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        self.calls += 1
        for _ in range(10):
            self.clock.charge(10)
            if watch:
                watch()
        value = float(abs(params["num_leaves"] - 20))
        return Evaluation((FoldResult(value, value, 10, np.full(3, 0.5)),))


def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search whose one finished trial took 100 s, in a run that is over."""
    clock = Clock(1e6)
    assert search(study(tmp_path), Costly(clock), Limits(1, clock), [params(20)])
    monkeypatch.setattr(Search, "longest", lambda self: 100.0)


def test_a_resumed_search_keeps_time_for_its_best_trial_and_the_refit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, monkeypatch)
    clock = Clock(1000)
    found = search(study(tmp_path), Costly(clock), Limits(50, clock, refit_scale=2), [params(20)])
    assert found is not None
    assert (found.params["num_leaves"], found.evaluation.value) == (20, 0)
    assert len(found.trials) > 3, "there was time for more trials"
    assert clock.left > 200, "a refit may take twice as long as a trial"


def test_the_best_trial_is_not_evaluated_again_at_the_refits_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, monkeypatch)
    clock = Clock(150)
    assert search(study(tmp_path), Costly(clock), Limits(1, clock), [params(20)]) is None
    assert clock.left > 80


def test_a_search_that_is_over_runs_no_more_trials(tmp_path: Path) -> None:
    clock = Clock(1e6)
    before = study(tmp_path)
    assert search(before, Costly(clock), Limits(2, clock), [params(20)])
    before.close("m-1")
    again = Costly(clock)
    found = search(study(tmp_path), again, Limits(9, clock), [params(20)])
    assert found is not None
    assert (len(found.trials), again.calls) == (2, 1), "the best one's fold scores, which are not stored"


def test_the_longest_trial_is_known(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert found.longest() == 0
    trial = found.ask(params(20))
    time.sleep(0.2)
    found.tell(trial, 1.0)
    found.tell(found.ask(params(21)), 1.0)
    assert study(tmp_path).longest() >= 0.2
