"""What pages and comparisons read at a million predictions, once warm; `LOOPBENCH_BENCH_ROWS=10000000` for ten.

Windows that nothing more will be known of come from the store, as on every page after the first; the first reading,
which fills it, is measured too.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from loop_core.clock import instant
from loop_core.compare import compare
from loop_core.feedback import feedback_items, feedback_trend
from loop_core.models import register_external
from loop_core.monitor import drift_scores, estimated_performance, performance, service_health
from loop_core.monitor.performance import cohort_performance
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import first_champion
from loop_core.status import loop_status
from loop_core.workspace import Loop, Workspace
from tests.bench.measure import Measurement, best_of, seconds

ROWS = int(os.environ.get("LOOPBENCH_BENCH_ROWS", 1_000_000))
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
            yield Measurement(f"{what} ({ROWS:,} predictions, first)", seconds(work), "s")
            yield Measurement(f"{what} ({ROWS:,} predictions, warm)", best_of(3, work), "s", target)


def _readings(loop: Loop, as_of: datetime) -> dict[str, tuple[Callable[[], object], float]]:
    """What is read → the call, and the seconds it may take."""
    return {
        "drift_scores, 12 weeks": (lambda: drift_scores(loop, as_of, weeks=12), 1),
        "performance, all weeks": (lambda: performance(loop, as_of), 1),
        "performance and its trend, 52 weeks": (lambda: performance(loop, as_of, weeks=52, trend=True), 1),
        "performance by carrier, 52 weeks": (lambda: performance(loop, as_of, weeks=52, cohort="carrier"), 1),
        "performance by every cohort, 19 weeks": (
            lambda: cohort_performance(loop, as_of, metric="log_loss", weeks=19),
            1,
        ),
        "estimated_performance, 52 weeks": (lambda: estimated_performance(loop, as_of, weeks=52), 1),
        "the Performance page's opening and axis": (lambda: _performance_page(loop, as_of), 1),
        "service_health, all weeks": (lambda: service_health(loop, as_of), 1),
        "feedback_trend, all weeks": (lambda: feedback_trend(loop, as_of), 1),
        "feedback_items, first page": (lambda: feedback_items(loop, as_of), 1),
        "loop_status": (lambda: loop_status(loop, as_of), 1),
        "compare, every cohort": (lambda: compare(loop, BESIDE, as_of=as_of, record=False), 4),
    }


def _performance_page(loop: Loop, as_of: datetime) -> None:
    """What the page calls before a tab is opened."""
    performance(loop, as_of, weeks=52, trend=True)
    estimated_performance(loop, as_of, weeks=52, metrics=("log_loss",))
    drift_scores(loop, as_of, weeks=52)
    service_health(loop, as_of, weeks=52)
