"""Every notebook runs from top to bottom, and is kept without its outputs."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
#: Notebooks that need the publisher's files.
REAL = {
    "02_february_2018.ipynb",
    "03_drift.ipynb",
    "04_late_labels.ipynb",
    "05_when_to_retrain.ipynb",
    "06_a_retrain.ipynb",
    "07_a_comparison.ipynb",
}
#: What takes long as it is written looks at less here; whole with LOOPBENCH_FAULTS=long.
LONG = os.environ.get("LOOPBENCH_FAULTS") == "long"
SHORTER = {
    "03_drift.ipynb": {'"olist_32k"': '"olist_15k"'},
    "05_when_to_retrain.ipynb": {
        '"olist_32k"': '"olist_15k"',
        'instant("2017-10-01")': 'instant("2018-06-01")',
        'instant("2017-12-03")': 'instant("2018-07-01")',
    },
}


def test_there_are_notebooks() -> None:
    assert {path.name for path in NOTEBOOKS} >= REAL


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_outputs_are_stripped(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


# The kernel's own libraries warn of each other; the cells' warnings appear in their outputs.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs(path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if path.name in REAL:
        monkeypatch.setenv("LOOPBENCH_DATA", str(request.getfixturevalue("real_data").resolve()))
    monkeypatch.delenv("LOOPBENCH_WORKSPACE", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    for long, short in () if LONG else SHORTER.get(path.name, {}).items():
        assert any(long in cell.source for cell in notebook.cells), f"{long} is no more in {path.name}"
        for cell in notebook.cells:
            cell.source = cell.source.replace(long, short)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    # In a thread of its own: a browser test of the same process leaves its event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(client.async_execute())).result()
    shown = [
        out.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for out in cell.outputs
    ]
    assert any("vega" in html for html in shown)
    assert any("dataframe" in html for html in shown)
