"""Limits of one query in time and memory, and the watch that holds a running query to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

try:
    import resource
except ImportError:  # not on Windows; DuckDB's own limit remains
    resource = None  # type: ignore[assignment]

#: DuckDB counts what it buffers, not every list and text in flight: the process may grow by this factor of the limit.
_UNCOUNTED = 2.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class QueryLimits:
    """What one query of a person may take."""

    seconds: float = 60.0
    """Wall-clock seconds, above 0."""
    memory_mb: int = 1_000
    """Memory in MB (10⁶ bytes), at least 50."""


DEFAULT_LIMITS = QueryLimits()


class Watch:
    """Calls `stop` when the time is over. One thread, which ends with the query."""

    def __init__(self, limits: QueryLimits, stop: Callable[[], None]) -> None:
        self.over = False
        """Whether the time was over before the query ended."""
        self._limits, self._stop, self._done = limits, stop, threading.Event()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """While the body runs."""
        thread = threading.Thread(target=self._run, name="query limits", daemon=True)
        thread.start()
        try:
            with _no_more_than(self._limits.memory_mb):
                yield self
        finally:
            self._done.set()
            thread.join()

    def _run(self) -> None:
        end = time.monotonic() + self._limits.seconds
        while not self._done.wait(max(0.0, end - time.monotonic())):
            self.over = True
            # Again and again: an interrupt that comes between two steps of the query is lost.
            self._stop()
            end = time.monotonic() + 0.05


class _Ceiling:
    """The process's own ceiling of memory while queries run. Without it one list of 10⁹ values ends the process."""

    def __init__(self) -> None:
        self._lock, self._running, self._before = threading.Lock(), 0, (-1, -1)

    def lower(self, megabytes: int) -> None:
        with self._lock:
            self._running += 1
            if self._running > 1 or resource is None:
                return
            self._before = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = _in_use() + int(_UNCOUNTED * megabytes * _MEGABYTE)
            soft, hard = self._before
            known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *known]), hard))

    def lift(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0 and resource is not None:
                resource.setrlimit(resource.RLIMIT_DATA, self._before)


_ceiling = _Ceiling()


@contextmanager
def _no_more_than(megabytes: int) -> Iterator[None]:
    _ceiling.lower(megabytes)
    try:
        yield
    finally:
        _ceiling.lift()


def _in_use() -> int:
    """Bytes of data the process holds; a large number where the system does not tell, so that nothing is refused."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
    except (OSError, StopIteration):
        return 1 << 60
