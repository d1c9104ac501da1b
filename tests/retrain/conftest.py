"""One loop with data, shared by the tests that only read it, and a fresh one for those that train."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import parcels


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """The loop `parcels` with 3,000 rows over 240 days; not to be written to."""
    with Workspace.create(tmp_path_factory.mktemp("shared") / "w") as opened:
        yield parcels(opened)


@pytest.fixture
def fresh(workspace: Workspace) -> Loop:
    """The same in a workspace of the test's own."""
    return parcels(workspace)
