"""Two manifests: what differs is said, what is shared is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loop_core.errors import UnknownNameError
from loop_core.models import Calibration, Manifest, ModelStore, register, register_external, what_differs
from loop_core.workspace import Loop

AT = datetime(2024, 5, 1, tzinfo=UTC)


def saved(loop: Loop, calibration: str = "identity", **fields: object) -> str:
    manifest = Manifest(
        loop=loop.name,
        as_of=AT,
        features=("price", "state"),
        types={"price": "number", "state": "category"},
        categories={"state": ("SP", "RJ")},
        params={"num_leaves": 31, "learning_rate": 0.1},
        train_end=AT - timedelta(days=30),
        n_rows=900,
        libraries={"lightgbm": "4.7.0"},
    )
    version = ModelStore(loop.workspace).save(
        "tree\n",
        Calibration(calibration),
        replace(manifest, **fields),  # type: ignore[arg-type]
    )
    register(loop, version, actor="ana", as_of=AT)
    return version


def test_only_what_differs(loop: Loop) -> None:
    first = saved(loop)
    second = saved(
        loop,
        "platt",
        params={"num_leaves": 63, "learning_rate": 0.1, "max_depth": 4},
        features=("price", "weight", "state"),
        categories={"state": ("SP", "BA", "MG")},
        train_end=AT,
        n_rows=1_900,
        threshold=0.2,
    )
    found = {(one.part, one.name): (one.first, one.second) for one in what_differs(loop, first, second)}
    assert found == {
        ("data", "training ends"): ("2024-04-01", "2024-05-01"),
        ("data", "rows"): ("900", "1,900"),
        ("features", "features gained"): ("–", "weight"),
        ("features", "values of state"): ("2", "3 (2 new, 1 gone)"),
        ("parameters", "max_depth"): ("–", "4"),
        ("parameters", "num_leaves"): ("31", "63"),
        ("calibration", "map"): ("identity", "platt"),
        ("calibration", "threshold"): ("–", "0.2"),
    }


def test_a_model_beside_itself_differs_in_nothing(loop: Loop) -> None:
    version = saved(loop)
    assert what_differs(loop, version, version) == ()


def test_of_an_external_model_nothing_is_made_up(loop: Loop) -> None:
    version = saved(loop)
    register_external(loop, "vendor", actor="ana", as_of=AT, train_end=AT - timedelta(days=30))
    assert {one.name for one in what_differs(loop, "vendor", version)} == {"made by"}
    with pytest.raises(UnknownNameError):
        what_differs(loop, "nobody", version)
