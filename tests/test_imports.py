"""`import loop_core` opens nothing and pulls in nothing heavy; neither does the CLI's help."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "polars", "pyarrow", "duckdb", "lightgbm", "sklearn", "scipy", "optuna", "streamlit", "altair")


@pytest.mark.parametrize("module", ["loop_core", "loop_core.errors", "loop_core.cli"])
def test_light_modules_stay_light(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_workspace_opens_without_the_learning_libraries() -> None:
    names = ("lightgbm", "sklearn", "scipy", "optuna", "streamlit", "altair")
    code = f"import sys, loop_core.workspace; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
