"""Which models a loop knows, and when it came to know them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from loop_core.errors import IntegrityError, RefusedError, UnknownNameError
from loop_core.models import (
    Calibration,
    Manifest,
    ModelStore,
    manifest_of,
    register,
    register_external,
    registered,
    store,
)
from loop_core.workspace import Loop

AT = datetime(2024, 5, 1, tzinfo=UTC)


def save(loop: Loop, seed: int = 0, name: str | None = None) -> str:
    manifest = Manifest(loop=name or loop.name, as_of=AT, seed=seed, train_end=AT - timedelta(days=30), n_rows=9)
    return ModelStore(loop.workspace).save("tree\n", Calibration(), manifest)


def test_a_model_is_known_from_its_registration_on(loop: Loop) -> None:
    version = save(loop)
    register(loop, version, actor="ana", as_of=AT)
    assert registered(loop, AT - timedelta(days=1)) == []
    (view,) = registered(loop, AT)
    assert (view.version, view.kind, view.n_rows, view.actor) == (version, "lightgbm", 9, "ana")
    assert view.train_end == manifest_of(loop, version).train_end == AT - timedelta(days=30)


def test_registering_twice_is_one_entry(loop: Loop) -> None:
    version = save(loop)
    first = register(loop, version, actor="ana", as_of=AT)
    assert register(loop, version, actor="ben", as_of=AT + timedelta(days=1)) == first
    assert len(registered(loop, AT + timedelta(days=2))) == 1


def test_a_package_is_checked_against_the_whole_hash_on_record(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other files of which the first digits of the hash are the same."""
    version, found = save(loop), store.digest_of
    register(loop, version, actor="ana", as_of=AT)
    (loop.workspace.models / version / "model.txt").write_text("another tree\n")
    monkeypatch.setattr(store, "digest_of", lambda contents: version + found(contents)[len(version) :])
    with pytest.raises(IntegrityError, match="was changed on disk"):
        manifest_of(loop, version)
    assert len(ModelStore(loop.workspace).verify()) == 1


def test_a_package_that_is_not_there_cannot_be_registered(loop: Loop) -> None:
    with pytest.raises(UnknownNameError):
        register(loop, "abc", actor="ana", as_of=AT)


def test_a_model_of_another_loop_is_refused(loop: Loop) -> None:
    with pytest.raises(RefusedError, match="was trained for other"):
        register(loop, save(loop, name="other"), actor="ana", as_of=AT)


def test_an_external_model_is_known_without_a_package(loop: Loop) -> None:
    register_external(loop, "vendor-3.1", actor="ana", as_of=AT)
    (view,) = registered(loop, AT)
    assert (view.version, view.kind, view.train_end) == ("vendor-3.1", "external", None)
    assert manifest_of(loop, "vendor-3.1").kind == "external"
    with pytest.raises(UnknownNameError):
        ModelStore(loop.workspace).load("vendor-3.1")


def test_an_external_model_cannot_take_the_name_of_a_package_or_none(loop: Loop) -> None:
    for name in (save(loop), " "):
        with pytest.raises(RefusedError):
            register_external(loop, name, actor="ana", as_of=AT)


def test_an_unregistered_package_is_no_model(loop: Loop) -> None:
    save(loop)
    assert registered(loop, AT) == []
    with pytest.raises(UnknownNameError, match="none yet"):
        manifest_of(loop, save(loop))
