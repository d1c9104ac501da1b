"""Results on disk."""

from __future__ import annotations

import pytest

from loop_core.errors import IntegrityError, UnknownNameError
from loop_core.jobs import JobStatus, Worker, enqueue, job
from loop_core.policies import list_replays, load_replay, replay_policies, save_replay
from loop_core.policies.cache import Cache
from tests.policies.conftest import day, request


def test_a_result_is_kept_under_its_content_and_noticed_when_changed(world):
    found = save_replay(world, replay_policies(world, [], request(120)))
    assert save_replay(world, found) == found
    assert list_replays(world) == [found.id]
    assert load_replay(world, found.id) == found
    with pytest.raises(UnknownNameError, match="never"):
        found.run("always")
    with pytest.raises(UnknownNameError, match=found.id):
        load_replay(world, "nope")
    (file,) = (world.workspace.reports / "orders" / "policies").glob("*.json")
    file.write_text(file.read_text().replace('"n": ', '"n": 1'))
    with pytest.raises(IntegrityError, match="changed"):
        load_replay(world, found.id)


def test_a_job_replays_the_policy_in_force_and_those_it_is_given(world):
    params = {
        "policies": {"mine": '[[triggers]]\nkind = "label_volume"\nmin_labels = 400'},
        "start": day(70).isoformat(), "end": day(120).isoformat(), "as_of": day(140).isoformat(), "every_days": 14,
    }  # fmt: skip
    number = enqueue(world.workspace, "orders", "policies", params, "ana")
    Worker(world.workspace).run(once=True)
    done = job(world.workspace, number)
    assert done.status is JobStatus.DONE, done.error
    found = load_replay(world, done.result["replay"])
    assert [run.name for run in found.tried] == ["in force", "mine"]
    assert done.result["sentence"] == found.sentence
    assert world.entries("trigger.decided") == world.entries("model.registered") == []


def test_the_cache_keeps_what_was_used_last(world):
    cache = Cache(world)
    for k in range(5):
        cache.get("things", {"k": k}, lambda k=k: "x" * 1000)
    made = []
    cache.get("things", {"k": 0}, lambda: made.append(0))
    cache.trim(2_500)
    for k in (0, 4, 1):
        cache.get("things", {"k": k}, lambda k=k: made.append(k))
    assert made == [1]
