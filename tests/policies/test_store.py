"""Results on disk."""

from __future__ import annotations

import pytest

from loop_core.errors import IntegrityError, UnknownNameError
from loop_core.policies import list_replays, load_replay, replay_policies, save_replay
from tests.policies.conftest import request


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
