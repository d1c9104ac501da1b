"""The last few results about an open lake, forgotten with it; one process serves several pages at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from loop_core.lake import Lake

#: Results kept for one lake; most are of one window.
SIZE = 1024
#: Of those that are large.
LARGE = 32


class Kept:
    """Results by what determines them, the most recently used ones."""

    def __init__(self, size: int = SIZE) -> None:
        self._size, self._lock = size, Lock()
        self._found: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object, make: Callable[[], Any]) -> Any:
        """The result of a key, made where it is not there."""
        found = self.look(key, self)
        return self.put(key, make()) if found is self else found

    def look(self, key: object, default: Any = None) -> Any:
        """The result of a key, if it is there."""
        with self._lock:
            if key not in self._found:
                return default
            self._found.move_to_end(key)
            return self._found[key]

    def put(self, key: object, result: Any) -> Any:
        """Keep a result, and give it back."""
        with self._lock:
            self._found[key] = result
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return result


_BY_LAKE: WeakKeyDictionary[Lake, tuple[Kept, Kept]] = WeakKeyDictionary()
_LOCK = Lock()


def kept_of(lake: Lake) -> Kept:
    """What is kept about a lake: a workspace that is made again in the same folder is another lake."""
    return _both_of(lake)[0]


def large_of(lake: Lake) -> Kept:
    """The few results kept that are frames of a whole history."""
    return _both_of(lake)[1]


def _both_of(lake: Lake) -> tuple[Kept, Kept]:
    with _LOCK:
        return _BY_LAKE.setdefault(lake, (Kept(), Kept(LARGE)))
