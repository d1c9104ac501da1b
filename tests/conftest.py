"""Fixtures shared by all tests: a workspace in a temporary folder, and where the real data is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from loop_core.workspace import Loop, Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

START = datetime(2018, 1, 1, tzinfo=UTC)

# How busy the machine is and what an earlier run found never decide: no deadline, no stored examples, the same ones each time.
# The long campaign draws others.
settings.register_profile(
    "loopbench",
    deadline=None,
    database=None,
    derandomize=os.environ.get("LOOPBENCH_FAULTS") != "long",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("loopbench")

CHARTER = """
[loop]
name = "orders"
title = "Late deliveries"
purpose = "Will the order arrive after its promised date?"
positive = "late"
clock = "data"

[roles]
owner = "ana"

[labels]
horizon_days = 60

[[features]]
name = "price"
type = "number"
min = 0

[[features]]
name = "weight"
type = "number"

[[features]]
name = "state"
type = "category"
values = ["SP", "RJ", "BA"]

[[cohorts]]
name = "state"
min_rows = 50

[[metrics]]
name = "log_loss"
margin = 0.01
"""


def pytest_configure() -> None:
    """The processes of a run are as many as the cores: one thread for each query, and LightGBM's wait without spinning.
    Not as this module is imported, because benches import it too."""
    os.environ.setdefault("LOOPBENCH_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives a browser or kills processes may be run once more; the summary at the end names which were."""
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspaces `empty` and `loop`, made once: a copied folder is a workspace too, and quicker than a new one."""
    folder = tmp_path_factory.mktemp("templates")
    Workspace.create(folder / "empty").close()
    with Workspace.create(folder / "loop") as workspace:
        workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    return folder


@pytest.fixture
def workspace(request: pytest.FixtureRequest, templates: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace without data: empty, or with the loop `orders` where the test asks for `loop`."""
    shutil.copytree(templates / ("loop" if "loop" in request.fixturenames else "empty"), tmp_path / "w")
    with Workspace.open(tmp_path / "w") as opened:
        yield opened


@pytest.fixture
def loop(workspace: Workspace) -> Loop:
    """A loop `orders` with two numbers, one category, one cohort; no data."""
    return workspace.loop("orders")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it are skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("LOOPBENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.exists():
        pytest.skip(f"the real data sets are not at {folder}; set LOOPBENCH_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL cluster of the tests' own on loopback; skipped, saying so, where PostgreSQL 15 is not installed."""
    from tests.postgres import cluster

    with cluster(tmp_path_factory.mktemp("pg")) as started:
        yield started.address


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """An empty database in that cluster: `postgresql://…`."""
    from tests.postgres import fresh_database

    return fresh_database(postgres)


@pytest.fixture
def duel(loop: Loop) -> Loop:
    """`loop` with the external champion `old` and the external challengers `good` and `bad`; see tests/release/duel.py."""
    from tests.release.duel import fill

    return fill(loop)


@pytest.fixture
def end() -> datetime:
    """When every label of `duel` is in."""
    from tests.release.duel import END

    return END


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one for all tests of a process; skipped, saying so, where there is none."""
    from playwright.sync_api import sync_playwright

    from tests.chromium import CHROMIUM, FLAGS

    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}; install Chromium to run this test")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()
