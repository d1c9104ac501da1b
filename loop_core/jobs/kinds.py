"""What a job can do: name → body. A body is a public verb with its progress and stop passed through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from loop_core.clock import instant
from loop_core.errors import StoppedError
from loop_core.frames import to_json
from loop_core.workspace import Workspace

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]
#: (workspace, params with `loop` and `actor`, progress, should_stop) → plain JSON result.
Body = Callable[[Workspace, Mapping[str, Any], Progress, ShouldStop], dict[str, Any]]


def _retrain(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.retrain import Budget, retrain

    loop = ws.loop(params["loop"])
    plan = loop.charter.retrain
    result = retrain(
        loop,
        as_of=instant(params["as_of"]),
        actor=params["actor"],
        seed=int(params.get("seed", 0)),
        budget=Budget(int(params.get("trials", plan.trials)), float(params.get("seconds", plan.seconds))),
        progress=progress,
        should_stop=should_stop,
    )
    return {**to_json(result), "sentence": result.sentence, "state": result.state.value}


def _forecast(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.compare import forecast

    progress(0.1, "Fitting quickly")
    told = forecast(
        ws.loop(params["loop"]), instant(params["as_of"]), seed=int(params.get("seed", 0)), actor=params["actor"]
    )
    return {"sentence": f"{told.sentence} It takes about {told.seconds:,.0f} s."}


def _compare(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.compare import compare

    progress(0.0, f"Comparing {params['challenger']}")
    card = compare(
        ws.loop(params["loop"]),
        params["challenger"],
        against=params.get("against"),
        as_of=instant(params["as_of"]),
        actor=params["actor"],
    )
    return {"scorecard": card.id, "badge": card.badge, "sentence": card.sentence}


def _rivals(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.compare.rivals import compare_many

    progress(0.0, f"Comparing {', '.join(params['challengers'])}")
    found = compare_many(
        ws.loop(params["loop"]),
        params["challengers"],
        against=params.get("against"),
        as_of=instant(params["as_of"]),
        actor=params["actor"],
    )
    return {"best": found.best, "sentence": found.sentence}


def _tradeoff(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.compare.tradeoff import named_and_newest, tradeoff
    from loop_core.compare.tradeoffs import save_tradeoff

    loop, as_of = ws.loop(params["loop"]), instant(params["as_of"])
    progress(0.0, "Measuring what each model gives and costs")
    found = tradeoff(
        loop, as_of, named_and_newest(loop, as_of, params.get("with", ())), seed=int(params.get("seed", 0))
    )
    save_tradeoff(loop, found)
    return {"sentence": found.sentence}


def _selftest(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.compare import selftest

    found = selftest(
        ws.loop(params["loop"]),
        instant(params["as_of"]),
        challenger=params.get("challenger"),
        runs=int(params.get("runs", 200)),
        harm_runs=int(params.get("harm_runs", 25)),
        seed=int(params.get("seed", 0)),
        actor=params["actor"],
        progress=_stoppable(progress, should_stop),
    )
    return {"sentence": found.sentence}


def _bootstrap(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.replay import first_champion

    external = params.get("external")
    version = first_champion(
        ws.loop(params["loop"]),
        until=None if external else instant(params.get("until") or params["as_of"]),
        external=external,
        actor=params["actor"],
        seed=int(params.get("seed", 0)),
        progress=_stoppable(progress, should_stop),
    )
    return {"version": version, "sentence": f"{version} serves everybody."}


def _cycle(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.cycle import run_cycle

    progress(0.0, "Reading the signals")
    report = run_cycle(
        ws.loop(params["loop"]),
        instant(params["as_of"]),
        actor=params["actor"],
        seed=int(params.get("seed", 0)),
        progress=_stoppable(progress, should_stop),
        should_stop=should_stop,
    )
    return {
        "findings": len(report.findings),
        "retrain": report.decision.retrain,
        "challenger": report.challenger,
        "promoted": report.promoted,
        "rolled_back_to": report.rolled_back_to,
        "notes": list(report.notes),
    }


def _replay(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.replay import ReplayPlan, replay

    every = timedelta(days=float(params.get("every_days", 7)))
    plan = ReplayPlan(instant(params["start"]), instant(params["end"]), every, seed=int(params.get("seed", 0)))
    report = replay(
        ws.loop(params["loop"]),
        plan,
        actor=params["actor"],
        progress=progress,
        should_stop=should_stop,
    )
    if report.stopped:
        raise StoppedError("The replay was stopped on request", "", "start it again; it goes on where it was")
    said = f"{len(report.cycles)} cycles; {report.served:,} predictions answered."
    return {"served": report.served, "cycles": len(report.cycles), "sentence": said}


def _demo(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.demo import build_demo

    summary = build_demo(
        ws.path,
        rows=int(params.get("rows", 150_000)),
        seed=int(params.get("seed", 0)),
        actor=params["actor"],
        progress=_stoppable(progress, should_stop),
    )
    return {"summary": summary}


def _evidently(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.monitor.report import evidently_report

    report = evidently_report(
        ws.loop(params["loop"]),
        instant(params["as_of"]),
        window=(instant(params["window_start"]), instant(params["window_end"])),
        cohort=params.get("cohort"),
        cohort_value=params.get("cohort_value"),
        seed=int(params.get("seed", 0)),
        progress=_stoppable(progress, should_stop),
    )
    return {"report": report.request.id, "sampled": report.sampled, "notes": list(report.notes)}


def _policies(ws: Workspace, params: Mapping[str, Any], progress: Progress, should_stop: ShouldStop) -> dict[str, Any]:
    from loop_core.policies import ReplayRequest, parse_policy, policy_in_force, replay_policies, save_replay

    loop = ws.loop(params["loop"])
    tried = [parse_policy(name, text) for name, text in params.get("policies", {}).items()]
    request = ReplayRequest(
        instant(params["start"]),
        instant(params["end"]),
        instant(params["as_of"]),
        every=timedelta(days=float(params.get("every_days", 7))),
        seed=int(params.get("seed", 0)),
    )
    found = replay_policies(loop, [policy_in_force(loop), *tried], request, progress=progress, should_stop=should_stop)
    return {"replay": save_replay(loop, found).id, "sentence": found.sentence}


def _stoppable(progress: Progress, should_stop: ShouldStop) -> Progress:
    """For a verb that reports progress but takes no stop: it ends at its next report."""

    def report(share: float, sentence: str) -> None:
        if should_stop():
            raise StoppedError("The job was stopped on request")
        progress(share, sentence)

    return report


KINDS: dict[str, Body] = {
    "retrain": _retrain,
    "forecast": _forecast,
    "compare": _compare,
    "rivals": _rivals,
    "tradeoff": _tradeoff,
    "selftest": _selftest,
    "bootstrap": _bootstrap,
    "cycle": _cycle,
    "replay": _replay,
    "demo": _demo,
    "evidently": _evidently,
    "policies": _policies,
}
#: Kinds that make a loop → the loop they make.
FOUNDING = {"demo": "deliveries"}
