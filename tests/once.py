"""Folders that cost seconds to fill are filled once in a run, whichever process of it asks first, and then copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """A copy, for whoever asks, of the folder that `fill` fills."""
    base = factory.getbasetemp()
    # The processes of `pytest -n` have folders of their own below one of the run's.
    run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    original, filled = run / f"{name}-once", run / f"{name}-filled"
    with FileLock(run / f"{name}.lock"):
        if not filled.exists():
            shutil.rmtree(original, ignore_errors=True)
            fill(original)
            filled.touch()
    copy = factory.mktemp(name) / "w"
    shutil.copytree(original, copy)
    return copy
