"""Real workspaces for the pages, and the app as a test drives it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from loop_core.compare import compare
from loop_core.cycle import run_cycle
from loop_core.recipes import Simulation, import_recipe
from loop_core.replay import first_champion
from loop_core.retrain import bootstrap_external
from loop_core.workspace import Workspace
from tests.once import once
from tests.pages.odd import fill_oddly

END = datetime(2025, 6, 30, tzinfo=UTC)
MAIN = Path(__file__).parents[2] / "app" / "main.py"
PAGES = (
    "this_week", "feedback", "signals", "drift", "performance", "triggers", "retrain", "compare", "release", "ledger", "about",
)  # fmt: skip

Open = Callable[..., AppTest]


def build(folder: Path) -> Path:
    """A small simulated loop: an incumbent, a challenger of which only scores are known, one cycle, one comparison."""
    with Workspace.create(folder) as ws:
        loop = ws.loop(import_recipe(ws, "deliveries", Simulation(5_000, 0), actor="ana", as_of=END).loop)
        first_champion(loop, external="incumbent-1", actor="ana")
        bootstrap_external(loop, "challenger-1", actor="vendor", as_of=END - timedelta(days=170))
        run_cycle(loop, END, actor="ana", train=False)
        compare(loop, "challenger-1", as_of=END, actor="ana")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _looked_for_once() -> Iterator[None]:
    """Every `AppTest` looks through all installed packages for components of Streamlit, a third of what a page takes."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose pages have something to show. Read only."""
    return once(tmp_path_factory, "full", build)


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs that nobody should send, and everybody does once. Read only."""
    return once(tmp_path_factory, "odd", fill_oddly)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A workspace without a loop."""
    Workspace.create(tmp_path / "bare").close()
    return tmp_path / "bare"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the app on a workspace at a page: `app(folder, "drift", cohort="region")` with URL parameters."""

    def opened(folder: Path, page: str = "this_week", **parameters: str) -> AppTest:
        monkeypatch.setenv("LOOPBENCH_WORKSPACE", str(folder))
        test = AppTest.from_file(str(MAIN), default_timeout=60)
        if page != "this_week":
            test.switch_page(f"../pages/{page}.py")
        test.query_params.update(parameters)
        return test.run()

    return opened


def keyed(widgets: Iterable[Any], name: str) -> Any:
    """The one input or button of a form with this name, whatever subject its key is made of."""
    named = [one for one in widgets if re.fullmatch(rf"{re.escape(name)}_[0-9a-f]{{8}}", str(one.key))]
    assert len(named) == 1, f"{len(named)} of {name} among {[one.key for one in widgets]}"
    return named[0]


def charts_of(test: AppTest) -> int:
    return len(test.get("vega_lite_chart"))


def quiet(test: AppTest) -> None:
    """Nothing on the page is an error."""
    assert not test.exception
    assert not test.error


def said(test: AppTest) -> str:
    """Everything a page says in words."""
    parts = [*test.markdown, *test.caption, *test.error, *test.info, *test.warning, *test.success]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")
