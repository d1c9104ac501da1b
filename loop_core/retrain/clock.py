"""The wall-clock seconds of one retrain."""

from __future__ import annotations

import time
from collections.abc import Callable

from loop_core.errors import StoppedError


class OutOfTimeError(Exception):
    """The retrain's seconds are spent; never leaves this stage."""


class Clock:
    """Counts down from the moment it is made."""

    def __init__(self, seconds: float, should_stop: Callable[[], bool] | None = None) -> None:
        self._ends, self._should_stop = time.monotonic() + seconds, should_stop

    @property
    def left(self) -> float:
        """Seconds; below 0: so many too many."""
        return self._ends - time.monotonic()

    def charge(self, seconds: float) -> None:
        """Count what was spent before this clock was made."""
        self._ends -= seconds

    def watch(self, reserve: float = 0.0) -> Callable[[], None]:
        """What work in progress calls again and again.

        Args:
            reserve: seconds that are kept for what comes after this work.

        Raises:
            StoppedError: by the call, when a person asked to stop.
            OutOfTimeError: by the call, when only the reserve is left.
        """

        def look() -> None:
            if self._should_stop and self._should_stop():
                raise StoppedError(
                    "The retrain was stopped on request", "", "its finished trials are kept; start it again to go on"
                )
            if self.left < reserve:
                raise OutOfTimeError

        return look
