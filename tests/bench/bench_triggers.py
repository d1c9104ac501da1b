"""The default policy on real orders, beside the fixed schedule that is best in hindsight; and what a second policy costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from loop_core.clock import instant
from loop_core.policies import PolicyReplay, ReplayRequest, parse_policy, policy_in_force, replay_policies
from loop_core.recipes import import_recipe
from loop_core.workspace import Loop, Workspace
from tests.bench.bench_replay import DATA
from tests.bench.measure import Measurement, seconds

START, END, SETTLED = instant("2017-10-01"), instant("2018-08-31"), instant("2018-12-31")
SEEDS, LATER = 3, (0, 4, 8)
#: Asks for drift, labels and performance at every step.
ANOTHER = """
[[triggers]]
kind = "any"
cooldown_days = 28
of = [{ kind = "drift", min_features = 2 }, { kind = "performance" }, { kind = "label_volume", min_labels = 4000 }]
"""


def measurements() -> Iterator[Measurement]:
    if not (DATA / "olist_32k").exists():
        return
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder) / "olist") as workspace:
        import_recipe(workspace, "olist", DATA / "olist_32k", actor="bench", as_of=instant("2019-01-01"))
        loop = workspace.loop("orders")
        # Twelve months: from September, so that a first model has something to learn from.
        year = ReplayRequest(instant("2017-09-01"), END, SETTLED)
        cold = seconds(lambda: replay_policies(loop, [policy_in_force(loop)], year))
        yield Measurement("policies over 12 months of orders, nothing cached", cold, "s")
        second = seconds(lambda: replay_policies(loop, [parse_policy("another", ANOTHER)], year))
        yield Measurement("a second policy over the same, warm", second, "s", 30)
        yield from _default_policy(loop)


def _default_policy(loop: Loop) -> Iterator[Measurement]:
    found = [
        replay_policies(
            loop, [policy_in_force(loop)], ReplayRequest(START + timedelta(weeks=k), END, SETTLED, seed=seed)
        )
        for seed in range(SEEDS)
        for k in LATER
    ]
    yield Measurement("default policy, log loss (Oct 2017, seed 0)", _value(found[0], "in force"), "nats")
    for name in (found[0].best_fixed, "every_week", "never"):
        yield Measurement(f"  {name}", _value(found[0], name), "nats")
    off = [_value(one, "in force") / _value(one, one.best_fixed) - 1 for one in found]
    yield Measurement("  above the best fixed schedule in hindsight", off[0] * 100, "%", 1.0)
    yield Measurement(f"  the worst of {len(found)} (seeds × beginnings)", max(off) * 100, "%", 1.0)
    shares = [len(one.run("in force").retrains) / len(one.run("every_week").retrains) for one in found]
    yield Measurement("  its retrains, of those of every week (the most)", max(shares) * 100, "%", 100 / 3)
    worse = min(_value(one, "never") / _value(one, one.best_fixed) - 1 for one in found)
    yield Measurement("  never, above the best fixed schedule (the least)", worse * 100, "%")


def _value(found: PolicyReplay, name: str) -> float:
    value = found.run(name).value
    assert value is not None
    return value
