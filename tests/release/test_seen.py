"""An act is refused when what was shown is not what is: every verb, after another person acted; and the way back."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from loop_core.compare import compare
from loop_core.errors import RefusedError
from loop_core.jobs import enqueue, list_jobs, retry, stop
from loop_core.ledger import Entry
from loop_core.release import approve, override, promote, propose, reject, rollback
from loop_core.workspace import Loop
from tests.conftest import CHARTER

DAY = timedelta(days=1)
Act = Callable[..., object]


def _release(loop: Loop, version: str, end: datetime, kind: str = "promoted") -> Entry:
    """A step of a release as the ledger has it, whoever allowed it."""
    payload = {"proposal": None, "previous": loop.champion(end)}
    return loop.ledger.append(
        kind=f"release.{kind}", loop=loop.name, subject=version, actor="dee", as_of=end, payload=payload
    )


def _charter(loop: Loop, name: str, **more: object) -> Loop:
    text = CHARTER.replace('owner = "ana"', f'owner = "{name}"')
    return loop.workspace.set_charter(text, actor=name, reason="x", **more)  # type: ignore[arg-type]


def verbs(loop: Loop, end: datetime) -> dict[str, tuple[Act, Act]]:
    """Verb → (what a person is about to do, what another one does first). `good` is proposed as p1; `bad` is blocked."""
    card, bad = (compare(loop, version, as_of=end, actor="ana").id for version in ("good", "bad"))
    who = {"as_of": end, "reason": "x"}

    def ask(**more: object) -> object:
        return propose(loop, "good", scorecard=card, actor="ana", **who, **more)  # type: ignore[arg-type]

    def promoted() -> object:
        return _release(loop, "bad", end)

    return {
        "propose": (ask, lambda: compare(loop, "good", as_of=end + DAY, actor="bo")),
        "approve": (lambda **s: approve(loop, "p1", actor="bo", **who, **s), promoted),
        "reject": (lambda **s: reject(loop, "p1", actor="bo", **who, **s), lambda: approve(loop, "p1", actor="cy", **who)),
        "promote": (lambda **s: promote(loop, "p1", actor="ana", **who, **s), lambda: reject(loop, "p1", actor="cy", **who)),
        "rollback": (lambda **s: rollback(loop, "old", actor="ana", **who, **s), promoted),
        "override": (lambda **s: override(loop, bad, "no cohort worse", actor="ana", **who, **s), promoted),
        "set_charter": (lambda **s: _charter(loop, "bo", as_of=end, **s), lambda: _charter(loop, "cy", as_of=end)),
        "enqueue": (lambda **s: enqueue(loop.workspace, loop.name, "retrain", {}, "ana", **s), promoted),
    }  # fmt: skip


@pytest.mark.parametrize(
    "verb", ["propose", "approve", "reject", "promote", "rollback", "override", "set_charter", "enqueue"]
)
def test_what_changed_since_it_was_seen_is_refused_and_named(duel: Loop, end: datetime, verb: str) -> None:
    act, other = verbs(duel, end)[verb]
    if verb in ("approve", "reject", "promote"):
        verbs(duel, end)["propose"][0]()
    if verb == "promote":
        approve(duel, "p1", actor="bo", as_of=end)
    if verb == "rollback":
        _release(duel, "good", end)
    seen = duel.ledger.length()
    other()
    before = duel.ledger.length()
    with pytest.raises(RefusedError, match=r"changed since you looked: (dee|bo|cy) .*look again"):
        act(seen=seen)
    assert duel.ledger.length() == before


@pytest.mark.parametrize("verb", ["propose", "approve", "promote", "rollback", "override"])
def test_a_second_press_of_the_same_button_does_nothing_more(duel: Loop, end: datetime, verb: str) -> None:
    act, _ = verbs(duel, end)[verb]
    if verb in ("approve", "promote"):
        verbs(duel, end)["propose"][0]()
    if verb == "promote":
        approve(duel, "p1", actor="bo", as_of=end)
    if verb == "rollback":
        _release(duel, "good", end)
    seen = duel.ledger.length()
    act(seen=seen)
    after = duel.ledger.length()
    if verb == "override":
        act(seen=seen)
    else:
        with pytest.raises(RefusedError):
            act(seen=seen)
    assert duel.ledger.length() == after


def test_jobs_of_another_run_are_neither_stopped_nor_tried_again(duel: Loop, end: datetime) -> None:
    ws = duel.workspace
    number = enqueue(ws, duel.name, "retrain", {}, "ana")
    first = stop(ws, number, actor="ana")
    retry(ws, number, actor="bo", seen=first)
    with pytest.raises(RefusedError, match="queued"):
        retry(ws, number, actor="ana", seen=first)
    stop(ws, number, actor="bo", seen=list_jobs(ws)[0])
    with pytest.raises(RefusedError, match="ran since you looked"):
        retry(ws, number, actor="ana", seen=first)


@pytest.mark.parametrize(
    ("steps", "back"),
    [
        ("good", ["old"]),
        ("good bad", ["good", "old"]),
        ("good bad <good", ["old"]),
        ("good <old good", ["old"]),
        ("good bad <good bad", ["good", "old"]),
        ("good bad <good <old bad", ["old"]),
        ("good bad <old", ["good"]),
        ("good <old", []),
    ],
)
def test_the_newest_predecessor(duel: Loop, end: datetime, steps: str, back: list[str]) -> None:
    for step in steps.split():
        _release(duel, step.lstrip("<"), end, "rolled_back" if step.startswith("<") else "promoted")
    assert duel.predecessors(end) == back
    if back:
        assert rollback(duel, actor="ana", as_of=end, reason="x").subject == back[0]


def test_who_serves_already_is_not_gone_back_to(duel: Loop, end: datetime) -> None:
    _release(duel, "good", end)
    with pytest.raises(RefusedError, match="good serves already"):
        rollback(duel, "good", actor="ana", as_of=end, reason="x")


#: Verbs with an actor that decide on nothing a person was shown, and why.
ALONE = {
    "first_release": "refuses wherever a model serves",
    "serve": "replays the past", "watch": "the cycle itself looks", "ingest": "the content of a file is its identity",
    "tend": "the worker's round", "raise_alerts": "the cycle itself looks", "escalate": "the worker's round", "commit": "is what the others are made of",
}  # fmt: skip


@pytest.mark.parametrize("module", ["release", "alerts", "jobs", "gates.quarantine", "gates.replay"])
def test_every_verb_of_a_person_takes_what_was_seen(module: str) -> None:
    loaded = importlib.import_module(f"loop_core.{module}")
    names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
    for name in names:
        one = getattr(loaded, name)
        if inspect.isfunction(one) and "actor" in inspect.signature(one).parameters and name not in ALONE:
            assert "seen" in inspect.signature(one).parameters, f"{module}.{name}"
