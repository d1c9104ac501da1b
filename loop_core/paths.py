"""Paths as DuckDB takes them. It reads `*`, `?`, `[` as a pattern, a backslash as a separator and `k=v` as a partition, so
a path with one of these is given to it by a link whose own name has none."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from loop_core.errors import StorageError

_SPECIAL = frozenset("*?[\\=")
_making = threading.Lock()
#: Folder with a special name → its link, in the process that made it.
_links: dict[tuple[int, str], Path] = {}
_folders: dict[int, Path] = {}


def plain(path: Path) -> Path:
    """The same file or folder under a name that DuckDB takes literally; `path` itself where it is one.

    Raises:
        StorageError: no folder for temporary files has a name without such characters.
    """
    path = path.absolute()
    odd = [i for i, part in enumerate(path.parts) if not _SPECIAL.isdisjoint(part)]
    if not odd:
        return path
    head, rest = Path(*path.parts[: odd[-1] + 1]), path.parts[odd[-1] + 1 :]
    return _link(head).joinpath(*rest)


def scratch_file() -> Path:
    """The path of a new file that DuckDB takes literally, for whoever makes it to remove; gone with this process anyway."""
    with _making:
        return _folder() / f"scratch-{os.urandom(8).hex()}"


def _link(target: Path) -> Path:
    key = (os.getpid(), str(target))
    with _making:
        link = _links.get(key)
        if link is None or not link.is_symlink():
            # The endings stay: they say how a file is packed.
            endings = "".join(s for s in target.suffixes[-2:] if s[1:].isalnum() and s.isascii())
            link = _folder() / f"{len(_links)}{endings}"
            link.symlink_to(target)
            _links[key] = link
        return link


def _folder() -> Path:
    """This process's folder of links, gone when it ends."""
    folder = _folders.get(os.getpid())
    if folder is None or not folder.is_dir():
        places = [p for p in (tempfile.gettempdir(), "/tmp", "/var/tmp") if _SPECIAL.isdisjoint(p)]
        place = next((p for p in places if os.access(p, os.W_OK)), None)
        if place is None:
            raise StorageError(
                f"The folder for temporary files, {tempfile.gettempdir()}, has one of {' '.join(sorted(_SPECIAL))} in its name",
                todo="set TMPDIR to a folder without them",
            )
        folder = Path(tempfile.mkdtemp(prefix="loopbench-", dir=place))
        _folders[os.getpid()] = folder
        _hold(folder)
        atexit.register(_remove, os.getpid(), folder)
    return folder


def _hold(folder: Path) -> None:
    # What clears old temporary files away leaves a locked folder alone (tmpfiles.d); a server may run for weeks.
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_SH)


def _remove(maker: int, folder: Path) -> None:
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
