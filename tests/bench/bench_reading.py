"""What pages and comparisons read at a million predictions, once warm: nothing here comes from a cache of results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from loop_core.clock import instant
from loop_core.compare import compare
from loop_core.feedback import feedback_items, feedback_trend
from loop_core.models import register_external
from loop_core.monitor import drift_scores, performance, service_health
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import first_champion
from loop_core.status import loop_status
from loop_core.workspace import Loop, Workspace
from tests.bench.measure import Measurement, best_of

ROWS = 1_000_000
#: The versions whose scores the simulator logs: the one that serves, and one beside it.
SERVING, BESIDE = "incumbent-1", "challenger-1"


def measurements() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder) / "w") as workspace:
        import_recipe(workspace, "deliveries", Simulation(ROWS, 0), actor="bench", as_of=instant("2026-01-01"))
        loop = workspace.loop("deliveries")
        first_champion(loop, external=SERVING, actor="bench")
        as_of = loop.present(instant("2026-01-01"))
        register_external(loop, BESIDE, actor="bench", as_of=as_of)
        for what, (work, target) in _readings(loop, as_of).items():
            work()
            yield Measurement(f"{what} ({ROWS:,} predictions, warm)", best_of(3, work), "s", target)


def _readings(loop: Loop, as_of: datetime) -> dict[str, tuple[Callable[[], object], float]]:
    """What is read → the call, and the seconds it may take."""
    return {
        "drift_scores, 12 weeks": (lambda: drift_scores(loop, as_of, weeks=12), 1),
        "performance, all weeks": (lambda: performance(loop, as_of), 1),
        "service_health, all weeks": (lambda: service_health(loop, as_of), 1),
        "feedback_trend, all weeks": (lambda: feedback_trend(loop, as_of), 1),
        "feedback_items, first page": (lambda: feedback_items(loop, as_of), 1),
        "loop_status": (lambda: loop_status(loop, as_of), 1),
        "compare, every cohort": (lambda: compare(loop, BESIDE, as_of=as_of, record=False), 4),
    }
