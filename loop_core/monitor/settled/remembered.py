"""Results of single windows that this process remembers, for as long as nothing about the window changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from loop_core.monitor.kept import kept_of
from loop_core.monitor.settled.standing import Stamp, standing
from loop_core.windows import Windows
from loop_core.workspace import Loop

T = TypeVar("T")


def stamps_at(loop: Loop, as_of: datetime, windows: Windows) -> tuple[int, dict[int, Stamp]]:
    """The window of the oldest prediction, and stamps of the windows that are stored and hold at an instant (see
    `read_stamped`). Measures nothing."""
    with loop.lake.one_snapshot():
        stored = standing(loop, windows, (1,), as_of)
    oldest = windows.number(stored.first) if stored.first else 1
    entries = {w: stored.entry(None, w, 1, as_of) for w in range(oldest, 1)}
    return oldest, {w: (windows.span(w)[0], e.valid_from, e.seen) for w, e in entries.items() if e is not None}


def by_window(
    loop: Loop,
    stamps: Mapping[int, Stamp],
    what: tuple[object, ...],
    numbers: Sequence[int],
    read: Callable[[int, int], Mapping[int, T]],
) -> dict[int, T]:
    """Window → result; windows without one are left out. What is remembered is not read again.

    Args:
        loop: the loop.
        stamps: window → what tells its rows from any others; a window without stamp is read each time.
        what: tells this result from others of the same window.
        numbers: windows, rising.
        read: (first, last) → results of the windows from first to last that have one.
    """
    kept, found = kept_of(loop.lake), dict[int, T]()
    absent = []
    for w in numbers:
        known = kept.look((loop.name, *what, stamps[w])) if w in stamps else None
        if known is None:
            absent.append(w)
        elif known[0] is not None:
            found[w] = known[0]
    for first, last in _runs(absent):
        results = read(first, last)
        for w in range(first, last + 1):
            if w in results:
                found[w] = results[w]
            if w in stamps:
                kept.put((loop.name, *what, stamps[w]), (results.get(w),))
    return dict(sorted(found.items()))


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = None
    for place, w in enumerate(numbers):
        start = w if start is None else start
        if place + 1 == len(numbers) or numbers[place + 1] != w + 1:
            yield start, w
            start = None
