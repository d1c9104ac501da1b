"""A workspace's two databases, lake and ledger: made once, connected, and read as copies where nothing can be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from loop_core.errors import RefusedError, StorageError
from loop_core.frozen import can_write, copy_databases, is_full
from loop_core.lake import Lake, LakeLocation
from loop_core.layout import (
    PASSWORD_FILE,
    SETTINGS,
    founding_folder,
    keep_password,
    make_folders,
    restrict,
    write_settings,
)
from loop_core.ledger import ANCHOR_FILE, KEY_FILE, Ledger
from loop_core.ledger.anchors import read_anchors
from loop_core.ledger.database import founding, refuse_occupied, remove_catalogue
from loop_core.ledger.ledger import Frozen
from loop_core.paths import plain
from loop_core.postgres import SCHEME, DatabaseAddress, parse_address


def make_databases(path: Path, address: DatabaseAddress | None, storage: Mapping[str, Any]) -> None:
    """Make the folders and the catalogue, or leave nothing. Of two that make one workspace at a time, one does."""
    with founding_folder(path) as made:
        try:
            if (path / SETTINGS).exists():
                raise taken(path)
            with _founding_database(address):
                _make(path, address, storage)
        except BaseException:
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            raise


@contextmanager
def _founding_database(address: DatabaseAddress | None) -> Iterator[None]:
    """Have a team's database to make a workspace in, and see that it holds none."""
    with ExitStack() as held:
        if address is not None:
            try:
                held.enter_context(founding(address))
                refuse_occupied(address)
            except StorageError as error:
                raise StorageError(
                    f"No lake at {address} ({error.given})", "a reachable PostgreSQL", "start it, or check the address"
                ) from None
        yield


def _make(path: Path, address: DatabaseAddress | None, storage: Mapping[str, Any]) -> None:
    # What is there already is somebody's, who lost the settings perhaps: it stays.
    files = (PASSWORD_FILE, "studies.sqlite", "ledger.sqlite", KEY_FILE, ANCHOR_FILE, SETTINGS)
    names = [name for name in files if not (path / name).exists()]
    made = make_folders(path)
    try:
        if address is not None:
            keep_password(path, address)
        (path / "studies.sqlite").touch()
        for database in connect(path, storage, create=True):
            database.close()
        restrict(path)
        # Written last: a folder with settings is a whole workspace.
        write_settings(path, storage)
    except BaseException:
        if address is not None:
            remove_catalogue(address)
        for name in names:
            (path / name).unlink(missing_ok=True)
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def taken(path: Path) -> RefusedError:
    return RefusedError(f"{path} already is a workspace", "a new or empty folder", "open it, or choose another folder")


def connect(path: Path, storage: Mapping[str, Any], *, create: bool = False) -> tuple[Lake, Ledger]:
    """Open lake and ledger of the folder `path`, as its settings' `[storage]` has them; `create`: make them."""
    catalog = storage["catalog"]
    team = parse_address(catalog).with_password_file(path / PASSWORD_FILE) if catalog.startswith(SCHEME) else None
    databases = (path / "ledger.sqlite",) if team else (path / catalog, path / "ledger.sqlite")
    if team is None and not create and all(file.exists() for file in databases) and not can_write(*databases):
        return _connect_frozen(path, storage, f"{path} is read-only for this user, so nothing in it can be changed")
    if team is None and not create and all(file.exists() for file in databases) and is_full(path):
        return _connect_frozen(path, storage, f"The disk of {path} is full, so nothing in it can be changed")
    location = LakeLocation(str(team or path / catalog), _data(path, storage), _lock(path))
    return _joined(path, location, str(team or f"sqlite:///{path / 'ledger.sqlite'}"), create)


def _connect_frozen(path: Path, storage: Mapping[str, Any], why: str) -> tuple[Lake, Ledger]:
    """Open copies of SQLite files to read them."""
    frozen = Frozen(why, read_anchors(path))
    catalog, ledger = copy_databases((path / storage["catalog"], path / "ledger.sqlite"))
    location = LakeLocation(str(catalog), _data(path, storage), _lock(path), why)
    return _joined(path, location, f"sqlite:///{ledger}", False, frozen)


def _joined(
    path: Path, location: LakeLocation, ledger_url: str, create: bool, frozen: Frozen | None = None
) -> tuple[Lake, Ledger]:
    lake = Lake(location, create=create)
    try:
        return lake, Ledger(ledger_url, path, create=create, frozen=frozen)
    except BaseException:
        lake.close()
        raise


def _data(path: Path, storage: Mapping[str, Any]) -> str:
    return f"{plain(path / storage['data'])}/"


def _lock(path: Path) -> Path:
    return path / "locks" / "lake.lock"


def without_password(path: Path, storage: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of an older workspace without the catalogue's password, which goes to a file of its own."""
    if not storage["catalog"].startswith(SCHEME):
        return storage
    address = parse_address(storage["catalog"])
    keep_password(path, address)
    return {**storage, "catalog": str(address)}
