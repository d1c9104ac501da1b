"""A retrain end to end: reproducible to the byte, honest about what it saw, stoppable, resumable."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loop_core.errors import NotReadyError, RefusedError, StoppedError
from loop_core.models import ModelStore, manifest_of, registered
from loop_core.retrain import (
    Budget,
    RetrainResult,
    bootstrap,
    bootstrap_external,
    fit_time,
    retrain,
    spending,
    training_set,
)
from loop_core.retrain.apart import Apart, TrialFailedError
from loop_core.retrain.objective import Objective
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.search import Limits
from loop_core.retrain.space import DEFAULTS, inside
from loop_core.retrain.study import Search
from loop_core.vocabulary import State
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, parcels, rows

DAY = timedelta(days=1)
FEW = Budget(trials=6, seconds=600)


def run(loop: Loop, **changes: Any) -> RetrainResult:
    return retrain(loop, **{"as_of": END, "actor": "ana", "seed": 3, "budget": FEW, **changes})


def promote(loop: Loop, version: str) -> None:
    loop.ledger.append(kind="release.promoted", loop=loop.name, subject=version, actor="ana", as_of=START + 120 * DAY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A loop with a first champion and one finished retrain."""
    with Workspace.create(tmp_path_factory.mktemp("trained") / "w") as opened:
        loop = parcels(opened)
        first = bootstrap(loop, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3)
        promote(loop, first)
        said: list[tuple[float, str]] = []
        result = run(loop, progress=lambda share, sentence: said.append((share, sentence)))
        yield loop, first, result, said


def test_the_challenger_is_registered_with_all_it_needs(trained: Any) -> None:
    loop, first, result, _ = trained
    manifest = manifest_of(loop, result.version)
    assert [view.version for view in registered(loop, END)] == [first, result.version]
    assert (manifest.parent, manifest.seed, manifest.snapshot) == (first, 3, result.snapshot)
    assert (manifest.train_start, manifest.train_end) == (result.train_start, result.train_end)
    assert manifest.charter_hash == loop.charter.hash
    assert manifest.params["num_leaves"] == result.params["num_leaves"]
    assert 0.6 < (manifest.metrics["auc"] or 0) < 0.9


def test_nothing_at_or_after_train_end_was_seen(trained: Any) -> None:
    loop, _, result, _ = trained
    assert result.train_end <= END - (14 + 28) * DAY
    assert manifest_of(loop, result.version).train_end == result.train_end


def test_the_champion_is_the_first_trial_and_the_best_is_at_least_as_good(trained: Any) -> None:
    loop, first, result, _ = trained
    champion = manifest_of(loop, first).params
    assert all(champion[name] == value for name, value in result.history[0].params.items())
    assert result.champion_value == result.history[0].value
    assert result.value <= result.champion_value
    assert result.value == min(t.value for t in result.history if t.state == "complete")
    assert result.trials == len(result.history) == 6


def test_progress_rises_from_nothing_to_done(trained: Any) -> None:
    _, _, _, said = trained
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert any("Trial 3 of 6" in sentence for _, sentence in said)


def test_the_ledger_tells_the_outcome_without_durations(trained: Any) -> None:
    loop, _, result, _ = trained
    (entry,) = loop.ledger.entries(loop=loop.name, kind="retrain.finished")
    assert entry.subject == result.version
    assert entry.payload["value"] == result.value
    assert entry.payload["budget"] == {"trials": 6, "seconds": 600}


def test_the_loaded_model_scores_as_the_booster_did(trained: Any) -> None:
    loop, _, result, _ = trained
    frame = rows(3000)
    scores = ModelStore(loop.workspace).load(result.version).score(frame)
    assert ((scores >= 0) & (scores <= 1)).all()
    label = frame["label"].to_numpy()
    assert scores[label == 1].mean() > scores[label == 0].mean() + 0.1


def test_two_workspaces_train_the_same_bytes(trained: Any, tmp_path: Path) -> None:
    loop, first, result, _ = trained
    with Workspace.create(tmp_path / "other") as opened:
        twin = parcels(opened)
        assert bootstrap(twin, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3) == first
        promote(twin, first)
        again = run(twin)
        assert again == result
        for version in (first, result.version):
            texts = [(ws.models / version / "model.txt").read_bytes() for ws in (opened, loop.workspace)]
            assert texts[0] == texts[1]


def test_the_same_call_again_trains_nothing_new(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, _, result, _ = trained
    calls = count_evaluations(monkeypatch)
    assert run(loop) == result
    assert len(calls) == 1  # the best trial's fold scores, which are not stored
    assert len(loop.ledger.entries(loop=loop.name, kind="retrain.finished")) == 1


def test_another_seed_is_another_model(trained: Any) -> None:
    loop, _, result, _ = trained
    assert run(loop, seed=4, budget=Budget(1, 600)).version != result.version


def count_evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    original = Apart.evaluate

    def counted(self: Apart, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Apart, "evaluate", counted)
    return calls


def test_a_stopped_search_goes_on_as_if_it_had_not_been(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, result, _ = trained
    with Workspace.create(tmp_path / "stopped") as opened:
        loop = parcels(opened)
        first = bootstrap(loop, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3)
        promote(loop, first)
        done: list[str] = []
        with pytest.raises(StoppedError):
            run(loop, progress=lambda _, sentence: done.append(sentence), should_stop=lambda: "Trial 3" in str(done))
        assert registered(loop, END)[-1].version == first
        calls = count_evaluations(monkeypatch)
        assert run(loop) == result
        assert len(calls) <= 4  # three trials were stored; at most the best of them is evaluated again


def test_a_budget_too_small_for_any_model_is_refused_and_leaves_nothing(fresh: Loop) -> None:
    before = len(registered(fresh, END))
    with pytest.raises(NotReadyError, match=r"0\.01 s was spent before a model could .* without the trials"):
        run(fresh, budget=Budget(5, 0.01))
    assert len(registered(fresh, END)) == before


def test_a_finished_retrain_is_asked_for_again_free_of_charge(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    result, before = run(fresh, budget=Budget(2, 600)), spending(fresh, END)
    monkeypatch.setattr(Search, "spent", lambda self: 1e9)
    assert run(fresh, budget=Budget(2, 600)) == result
    assert spending(fresh, END) == before


def test_a_best_trial_that_cannot_be_evaluated_again_is_said(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    stop = {"progress": lambda _, sentence: done.append(sentence), "should_stop": lambda: "Trial 1" in str(done)}
    with pytest.raises(StoppedError):
        run(fresh, budget=Budget(2, 600), **stop)

    def fail(self: Apart, *args: Any, **kwargs: Any) -> Any:
        raise TrialFailedError("no")

    monkeypatch.setattr(Apart, "evaluate", fail)
    result = run(fresh, budget=Budget(2, 600))
    assert result.value is None
    assert "could not be evaluated again for its scores: the default parameters were taken" in result.notes[0]


def test_the_refit_is_expected_to_take_as_much_longer_as_it_has_more_rows(
    fresh: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, seen = importlib.import_module("loop_core.retrain.retrain"), list[Limits]()

    def look(study: Search, evaluator: Apart, limits: Limits, *args: Any, **kwargs: Any) -> None:
        seen.append(limits)

    monkeypatch.setattr(module, "search", look)
    result = run(fresh)
    assert "No trial finished within the budget's seconds: the default parameters were taken" in result.notes[0]
    largest = objective_of(fresh, training_set(fresh, END), 3).folds[-1].train_stop
    assert [limits.refit_scale for limits in seen] == [result.n_rows / largest]


def test_the_search_stays_in_the_charters_space(workspace: Workspace) -> None:
    loop = parcels(
        workspace, n=1500, charter=CHARTER + "[retrain.space]\nnum_leaves = [5, 5]\nlearning_rate = [0.2, 0.21]\n"
    )
    result = run(loop, budget=Budget(3, 600))
    assert {trial.params["num_leaves"] for trial in result.history} == {5}
    assert all(0.2 <= trial.params["learning_rate"] <= 0.21 for trial in result.history)


def test_a_span_too_short_to_validate_is_trained_without_a_search(workspace: Workspace) -> None:
    loop = parcels(workspace, charter=CHARTER.replace("horizon_days = 14", "horizon_days = 120"))
    result = run(loop)
    assert (result.n_folds, result.trials, result.value) == (0, 0, None)
    assert "too short to validate anything without leaking: the default parameters were taken" in result.notes[0]


@pytest.mark.parametrize(
    "harm", [lambda package: (package / "model.txt").write_text("somebody was here"), shutil.rmtree]
)
def test_a_damaged_champion_does_not_keep_a_loop_from_a_new_model(fresh: Loop, harm: Callable[[Path], object]) -> None:
    first = bootstrap(fresh, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3)
    promote(fresh, first)
    harm(fresh.workspace.models / first)
    result = run(fresh, budget=Budget(2, 600))
    assert (result.parent, result.version != first) == (first, True)
    assert result.history[0].params == inside(DEFAULTS)
    assert result.champion_value is None, "its parameters cannot be read"


def test_a_failed_start_does_not_pin_old_data(workspace: Workspace) -> None:
    from tests.retrain.synthetic import insert

    loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    with pytest.raises(NotReadyError):
        run(loop)
    insert(loop, rows(1500))
    assert run(loop, budget=Budget(1, 600)).n_rows > 1000


def test_a_workspace_made_again_at_the_same_path_has_studies_of_its_own(tmp_path: Path) -> None:
    versions = []
    for _ in range(2):
        with Workspace.create(tmp_path / "w") as opened:
            versions.append(run(parcels(opened, n=1000), budget=Budget(1, 600)).version)
        shutil.rmtree(tmp_path / "w")
    assert versions[0] == versions[1]


@pytest.mark.parametrize(("trials", "seconds"), [(0, 60), (5, 0), (5, -1), (5, float("nan")), (5, float("inf"))])
def test_an_empty_budget_is_refused(trials: int, seconds: float) -> None:
    with pytest.raises(RefusedError, match="at least 1 trial"):
        Budget(trials, seconds)


def test_the_first_model_sees_nothing_from_until_on_nor_unripe(trained: Any) -> None:
    loop, first, _, _ = trained
    manifest = manifest_of(loop, first)
    assert manifest.train_end is not None
    assert manifest.train_end <= START + (120 - 14) * DAY + timedelta(microseconds=1)
    assert np.isclose(manifest.n_rows, 3000 / 240 * 106, atol=2)


def test_an_external_champion_has_a_name_and_no_file(fresh: Loop) -> None:
    assert bootstrap_external(fresh, "vendor-3", actor="ana", as_of=START) == "vendor-3"
    assert manifest_of(fresh, "vendor-3").kind == "external"
    promote(fresh, "vendor-3")
    result = run(fresh, budget=Budget(1, 600))
    assert (result.parent, result.champion_value) == ("vendor-3", None)
    assert "champion" not in result.sentence, "nobody here knows its parameters"


def slow_fit(objective: Objective, params: Any) -> float:
    """As `timed_fit` on a far larger table."""
    return 900.0


def test_a_budget_that_cannot_pay_for_one_fit_is_refused_before_it_is_spent(
    fresh: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_time, "TIMED_ROWS", 500)
    monkeypatch.setattr(fit_time, "timed_fit", slow_fit)
    calls = count_evaluations(monkeypatch)
    with pytest.raises(
        NotReadyError, match=r"One fit of [\d,]+ rows takes about 900 s, .* of the 600 s .* give at least"
    ):
        run(fresh)
    assert not calls, "no trial was begun"


def test_the_time_of_a_fit_is_taken_on_some_of_its_rows_and_kept_for_it(
    fresh: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[Limits]()
    monkeypatch.setattr(fit_time, "TIMED_ROWS", 500)
    module = importlib.import_module("loop_core.retrain.retrain")
    monkeypatch.setattr(module, "search", lambda study, evaluator, limits, *args, **kwargs: seen.append(limits))
    run(fresh)
    (limits,) = seen
    assert 0 < limits.fit_seconds <= limits.reserve


@pytest.mark.parametrize(("trials", "state"), [(1, State.WATCH), (4, State.OK)])
def test_a_retrain_of_starting_points_alone_is_worth_a_look(fresh: Loop, trials: int, state: State) -> None:
    result = run(fresh, budget=Budget(trials, 600))
    assert result.state is state
    assert ("nothing was searched" in result.sentence) == (state is State.WATCH)
