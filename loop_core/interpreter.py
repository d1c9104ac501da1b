"""How Python processes of this program are started: nothing of the folder that somebody stands in is imported by them.

Python puts that folder in front of its search path for `-c`, and for an empty part of `PYTHONPATH` (`$PYTHONPATH:/more`
where the variable was not set). A file `numbers.py` that happens to lie there would then run in place of Python's own.
Folders that somebody names in `PYTHONPATH` stay: that is their choice.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SAFE, _PATH = "PYTHONSAFEPATH", "PYTHONPATH"
_lock = threading.Lock()


def python_command(code: str) -> list[str]:
    """The command that runs `code` in a new Python; start it with `python_environment()`."""
    return [sys.executable, "-P", "-c", code]


def python_environment() -> dict[str, str]:
    """This process's environment for Python processes that it starts."""
    named = os.pathsep.join(filter(None, os.environ.get(_PATH, "").split(os.pathsep)))
    others = {name: value for name, value in os.environ.items() if name != _PATH}
    return {**others, _SAFE: "1", **({_PATH: named} if named else {})}


def search_path() -> list[str]:
    """`sys.path` without the folder that somebody happens to stand in."""
    own = str(Path(__file__).parents[1])
    parts = os.environ.get(_PATH, "").split(os.pathsep)
    named = {os.path.abspath(part) for part in parts if part}
    # Python writes the folder out for an empty part, and so do its own ways to start a process.
    standing = {os.getcwd()} - named - {own} if len(parts) > 1 and "" in parts else set()
    return [part for part in sys.path if os.path.isabs(part) and part not in standing]


@contextmanager
def own_processes() -> Iterator[None]:
    """Inside, `multiprocessing` starts processes that are this program's alone: they import nothing of the folder somebody
    stands in, and do not run the calling script again, which would start over there without `if __name__ == "__main__"`."""
    from multiprocessing import resource_tracker, spawn

    with _lock:
        before, preparation = dict(os.environ), spawn.get_preparation_data
        spawn.get_preparation_data = _without_script(preparation)
        _set(python_environment())
        # Its start ends with SIGINT let through, so it comes before that is blocked.
        resource_tracker.ensure_running()
        # Ctrl+C is for the one who asked for the work; it ends these.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            spawn.get_preparation_data = preparation
            _set(before)


def _set(environment: Mapping[str, str]) -> None:
    """Our two variables as they are there."""
    for name in (_SAFE, _PATH):
        os.environ.pop(name, None)
        if name in environment:
            os.environ[name] = environment[name]


def import_failure(modules: Sequence[str]) -> str:
    """Why a new Python of ours cannot import these, in its own last words; empty: it can."""
    import subprocess

    command = python_command(f"import {', '.join(modules)}")
    try:
        done = subprocess.run(command, env=python_environment(), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    said = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else said[-1] if said else f"it ended with {done.returncode}"


def _without_script(preparation: Any) -> Any:
    def prepared(name: str) -> dict[str, Any]:
        data = {key: value for key, value in preparation(name).items() if not key.startswith("init_main")}
        return {**data, "sys_path": search_path()}

    return prepared
