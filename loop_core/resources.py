"""Where the folders that travel with the package are: beside it in a checkout, under `loopbench/` in a wheel."""

from __future__ import annotations

from pathlib import Path

from loop_core.errors import StorageError

FOLDERS = ("data", "app", "pages")


def resource_folder(name: str) -> Path:
    """`data`, `app` or `pages` as a folder on disk.

    Raises:
        StorageError: the installation lacks it.
    """
    root = Path(__file__).resolve().parent.parent
    # The wheel's folder first: in site-packages a stranger's `data` may lie beside `loop_core`, in a checkout
    # there is no `loopbench/`.
    for folder in (root / "loopbench" / name, root / name):
        if folder.is_dir():
            return folder
    raise StorageError(
        f"This installation has no folder {name!r} beside {root / 'loop_core'}",
        "a complete checkout or wheel",
        "install loopbench again",
    )
