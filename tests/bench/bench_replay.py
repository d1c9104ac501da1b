"""A year of weekly cycles on real orders, and the demo from nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from loop_core.clock import instant
from loop_core.demo import build_demo
from loop_core.recipes import import_recipe
from loop_core.replay import ReplayPlan, first_champion, replay
from loop_core.workspace import Workspace
from tests.bench.measure import Measurement, seconds

DATA = Path(os.environ.get("LOOPBENCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


def measurements() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        if (DATA / "olist_32k").exists():
            yield Measurement("replay of 60 Olist weeks, monitored, no retrain", sixty_weeks(Path(folder)), "s", 60)
        demo = seconds(
            lambda: build_demo(Path(folder) / "demo", rows=150_000, seed=0, actor="bench", progress=lambda *_: None)
        )
        yield Measurement("demo built from nothing (150,000 predictions)", demo, "s", 60)


def sixty_weeks(folder: Path) -> float:
    with Workspace.create(folder / "olist") as workspace:
        import_recipe(workspace, "olist", DATA / "olist_32k", actor="bench", as_of=instant("2019-01-01"))
        loop = workspace.loop("orders")
        start = instant("2017-07-01")
        first_champion(loop, until=start, actor="bench")
        return seconds(lambda: replay(loop, ReplayPlan(start, start + timedelta(weeks=60), train=False), actor="bench"))
