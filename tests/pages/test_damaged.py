"""What the pages say of a champion whose files were changed, and of files of the lake that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.models import Calibration, Manifest, ModelStore, register
from loop_core.workspace import Workspace
from tests.once import once
from tests.pages.conftest import END, Open, build, charts_of, keyed, quiet, said


def damaged(folder: Path) -> str:
    """A champion of the workspace's own making, changed on disk after its release."""
    with Workspace.open(folder) as ws:
        loop = ws.loop("deliveries")
        version = ModelStore(ws).save("tree\n", Calibration(), Manifest(loop.name, END, train_end=END))
        register(loop, version, actor="ana", as_of=END)
        loop.ledger.append(
            kind="release.promoted", loop=loop.name, subject=version, actor="ana", as_of=END, payload={"proposal": None, "previous": "incumbent-1"},
        )  # fmt: skip
        with (ws.models / version / "model.txt").open("a") as file:
            file.write("#")
    return version


def test_release_opens_with_the_alarm_and_offers_the_way_back(app: Open, tmp_path_factory) -> None:
    folder = once(tmp_path_factory, "full", build)
    version = damaged(folder)
    test = app(folder, "release")
    quiet(test)
    assert f"▲ alarm] · Champion {version} cannot serve." in said(test)
    assert "serves everybody" not in said(test)
    assert keyed(test.selectbox, "rollback_to").options == ["incumbent-1"]


@pytest.mark.parametrize(
    ("table", "pages"),
    [("feedback", {"feedback": "What they wrote"}),
     ("predictions", {"signals": "wait in the quarantine", "triggers": "Decisions"})],
)  # fmt: skip
def test_a_damaged_file_costs_the_numbers_that_need_it(
    app: Open, tmp_path_factory, table: str, pages: dict[str, str]
) -> None:
    folder = once(tmp_path_factory, "full", build)
    file = sorted(folder.rglob(f"{table}/**/*.parquet"))[0]
    file.unlink()
    for page, word in pages.items():
        test = app(folder, page)
        assert not test.exception
        assert file.name in said(test)
        assert f"{table} from" in said(test)
        assert "loop ingest" in said(test)
        assert "Reference **" not in said(test), "nothing that looks like a fault of the program"
        assert word in said(test)


@pytest.mark.parametrize("month", ["2024/month=1", "2025/month=4"])
def test_what_is_summarised_needs_no_rows(app: Open, tmp_path_factory, month: str) -> None:
    """Drift and performance are sums of summaries: a file of rows that are counted in them may be gone."""
    whole, folder = (once(tmp_path_factory, "full", build) for _ in range(2))
    (file,) = folder.rglob(f"predictions/year={month}/*.parquet")
    file.unlink()
    test = app(folder, "drift")
    quiet(test)
    assert said(test) == said(app(whole, "drift"))
    test = app(folder, "performance")
    assert not test.exception
    assert all(file.name.replace("_", "") in error.value.replace("\\", "") for error in test.error)
    assert (charts_of(test) > 1, len(test.error) < 2) == (True, True)
