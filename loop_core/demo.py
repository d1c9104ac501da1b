"""The demo: a loop on simulated orders, from first signal to comparison, in under a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from loop_core.compare import compare
from loop_core.models import registered
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import ReplayPlan, first_champion, replay
from loop_core.retrain import bootstrap_external
from loop_core.status import loop_status
from loop_core.workspace import Loop, Workspace

Progress = Callable[[float, str], None]

#: The sixteen weeks that the demo replays; what came before is history that the incumbent answered.
START, END = datetime(2025, 3, 10, tzinfo=UTC), datetime(2025, 6, 30, tzinfo=UTC)
INCUMBENT, CHALLENGER = "incumbent-1", "challenger-1"


def build_demo(folder: Path, *, rows: int, seed: int, actor: str, progress: Progress) -> list[str]:
    """Make the demo workspace, or find it there already → lines that say what is in it.

    Args:
        folder: the workspace's folder; a finished demo there is kept as it is, an unfinished one goes on.
        rows: simulated predictions, about.
        seed: of simulator and retrains.
        actor: on record for everything done here.
        progress: told of each step.
    """
    if not (folder / "workspace.toml").exists():
        Workspace.create(folder).close()
    with Workspace.open(folder) as workspace:
        progress(0.02, "simulating a marketplace")
        simulation = Simulation(rows, seed)
        name = import_recipe(
            workspace,
            "deliveries",
            simulation,
            actor=actor,
            as_of=END,
            progress=lambda share, said: progress(0.02 + share * 0.33, said),
        ).loop
        loop = workspace.loop(name)
        if loop.champion(END) is None:
            first_champion(loop, external=INCUMBENT, actor=actor)
        progress(0.35, "replaying sixteen weeks")
        replay(
            loop,
            ReplayPlan(START, END, seed=seed),
            actor=actor,
            progress=lambda share, said: progress(0.35 + share * 0.6, said),
        )
        progress(0.95, "comparing the vendor's challenger")
        if not any(entry.subject == CHALLENGER for entry in loop.entries("comparison.made")):
            if CHALLENGER not in [model.version for model in registered(loop, END)]:
                bootstrap_external(loop, CHALLENGER, actor="vendor", as_of=END)
            compare(loop, CHALLENGER, as_of=END, actor=actor)
        progress(1.0, "done")
        return _summary(loop)


def _summary(loop: Loop) -> list[str]:
    now = loop_status(loop, END)
    counts = {
        t: loop.lake.rows(f"select count(*) from {loop.table(t)}")[0][0]
        for t in ("predictions", "outcomes", "feedback", "quarantine")
    }
    cycles, releases = loop.entries("cycle.ran"), loop.entries("release.")
    return [
        f"{loop.charter.loop.title}: " + ", ".join(f"{n:,} {table}" for table, n in counts.items()),
        f"{len(cycles)} weekly cycles, {sum(1 for c in cycles if c.payload['challenger'])} retrains,"
        f" {sum(1 for r in releases if r.kind == 'release.promoted')} promotions, {sum(1 for r in releases if r.kind == 'release.rolled_back')} rollbacks;"
        f" champion {now.champion}",
        *(f"{finding.state:>8}  {finding.sentence}" for finding in now.findings if finding.state in ("alarm", "watch")),
        loop.ledger.verify().sentence,
    ]
