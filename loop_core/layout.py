"""The folder of a workspace: what lies in it, and who may read it.

Its files are its owner's alone (600 and 700), unless the folder is a group's: with the setgid bit and writable for the
group (2770) everything in it is the group's too (660 and 770), whatever the umask of whoever writes.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loop_core.errors import RefusedError, StorageError
from loop_core.postgres import DatabaseAddress
from loop_core.texts import read_text
from loop_core.toml import read_toml

#: Layout of the folder and of its loops' tables. A program refuses workspaces of a higher number, and brings older ones up.
FORMAT = 6
SETTINGS = "workspace.toml"
#: The catalogue's password, where it was given with the address; in the format of `~/.pgpass`.
PASSWORD_FILE = "catalog.pgpass"
#: What is wanted of `workspace.toml`, and what to do.
_AS_WRITTEN = ("the file `loop init` wrote", "restore it from a backup")
#: How the names of what a workspace consists of begin, files of SQLite beside its databases among them.
_OURS = (
    "lake",
    "locks",
    "loops",
    "models",
    "reports",
    "staging",
    "ledger.",
    "studies.sqlite",
    SETTINGS,
    PASSWORD_FILE,
    "alerts.toml",
)
_FOLDERS = ("loops", "locks", "models", "reports", "staging", "lake/data")


def is_shared(path: Path) -> bool:
    """Whether a folder is a group's; of one that is not there yet, whether it would be."""
    while not path.exists():
        path = path.parent
    mode = path.stat().st_mode
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)


#: The umask before the first workspace was opened, then those that the workspaces open in this process ask for.
_umasks: list[int] = []


def hold_umask(path: Path) -> int:
    """Have new files of this process be those of the workspace's readers alone, until `release_umask` → that umask."""
    wanted = 0o007 if is_shared(path) else 0o077
    before = os.umask(wanted)
    _umasks.extend([wanted] if _umasks else [before, wanted])
    return wanted


def release_umask(held: int) -> None:
    """Give a held umask back: what other workspaces ask for stays, and after the last of them what was there before."""
    first, *others = _umasks
    others.remove(held)
    os.umask(others[-1] if others else first)
    _umasks[:] = [first, *others] if others else []


@contextmanager
def founding_folder(path: Path) -> Iterator[list[Path]]:
    """The only one who makes a workspace in a folder, which is made → what was not there before, outer folders first.

    Raises:
        RefusedError: another process makes one in it.
        OSError: it cannot be made.
    """
    made = [part for part in (*reversed(path.parents), path) if not part.exists()]
    path.mkdir(parents=True, exist_ok=True)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            # The folder itself is locked: a lock file would be there before its workspace, and after one that failed.
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(
                f"Another process is making a workspace in {path}",
                todo="choose another folder, or open that one when it is there",
            ) from None
        yield made
    finally:
        os.close(folder)


def make_folders(path: Path) -> list[Path]:
    """Make what a workspace consists of → what was not there before, outer ones first."""
    made: list[Path] = []
    for folder in (path / name for name in _FOLDERS):
        missing = [part for part in (*reversed(folder.parents), folder) if not part.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        made.extend(missing)
    return made


def restrict(path: Path) -> None:
    """Give everything of this user in the workspace the modes that its kind asks for. What else lies in its folder is no
    part of it and stays as it is, and so does a folder with such things in it."""
    shared = is_shared(path)
    for folder, names, files in os.walk(path):
        if Path(folder) == path:
            others = [name for name in (*names, *files) if not name.startswith(_OURS)]
            names[:], files = ([name for name in found if name not in others] for found in (names, files))
        for name in (*names, *files) if others and Path(folder) == path else (".", *names, *files):
            entry = Path(folder) / name
            if entry.is_symlink() or entry.stat().st_uid != os.geteuid():
                continue
            mode = stat.S_IMODE(entry.stat().st_mode)
            wanted = mode & ~0o077
            if shared and entry.name != PASSWORD_FILE:
                wanted |= (mode & 0o700) >> 3
                wanted |= stat.S_ISGID if entry.is_dir() else 0
            if wanted != mode:
                entry.chmod(wanted)


def share_folders(path: Path) -> None:
    """Open folders of this user under `path`, where that is a group's: DuckDB makes them for its own user alone."""
    if not is_shared(path):
        return
    todo = [path]
    while todo:
        for entry in os.scandir(todo.pop()):
            if entry.is_dir(follow_symlinks=False):
                todo.append(Path(entry.path))
                facts = entry.stat(follow_symlinks=False)
                if facts.st_uid == os.geteuid() and not facts.st_mode & stat.S_IWGRP:
                    os.chmod(entry.path, stat.S_IMODE(facts.st_mode) | 0o070 | stat.S_ISGID)


def read_settings(path: Path) -> tuple[int, Mapping[str, str]]:
    """Read `workspace.toml` → the layout's number, and where lake and catalogue are.

    Raises:
        StorageError: there is none, it is newer than this program, or not what `write_settings` wrote.
    """
    file = path / SETTINGS
    try:
        settings = read_toml(read_text(file))
    except (FileNotFoundError, NotADirectoryError):
        raise StorageError(
            f"There is no workspace at {path}",
            "a folder made by `loop init`",
            "`loop init FOLDER`, or check the path",
        ) from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StorageError(f"{file} cannot be read ({why})", *_AS_WRITTEN) from None
    found, storage = settings.get("format", 0), settings.get("storage")
    if type(found) is not int or found < 0:
        raise StorageError(f"{file} has format = {found!r}, which is no whole number", *_AS_WRITTEN)
    if found > FORMAT:
        raise StorageError(
            f"The workspace has format {found}", f"at most {FORMAT}, which this program knows", "update Loopbench"
        )
    if not isinstance(storage, dict):
        raise StorageError(f"{file} has no [storage]", *_AS_WRITTEN)
    for key in ("catalog", "data"):
        if not isinstance(storage.get(key), str) or not storage[key]:
            raise StorageError(f"{file} does not say where the lake is: [storage] {key} is no text", *_AS_WRITTEN)
    return found, storage


def write_settings(path: Path, storage: Mapping[str, Any]) -> None:
    """Write `workspace.toml` in one step."""
    lines = [
        f"format = {FORMAT}",
        "",
        "[storage]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in storage.items()),
    ]
    draft = path / f"{SETTINGS}.new"
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path / SETTINGS)


def keep_password(path: Path, address: DatabaseAddress) -> None:
    """Put the password of an address, if there is one, into a file that only this user may read."""
    if address.password is None:
        return
    draft = path / f"{PASSWORD_FILE}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(address.password_line())
    draft.replace(path / PASSWORD_FILE)
