"""What each kind of job takes, so that nonsense is refused when it is asked for, and not by a worker an hour later."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from loop_core.clock import instant
from loop_core.errors import LoopbenchError, RefusedError


def _count(value: Any) -> bool:
    return float(value) == int(value) and int(value) >= 0


def _positive(value: Any) -> bool:
    return 0 < float(value) < math.inf


def _amount(value: Any) -> bool:
    return _count(value) and int(value) > 0


def _moment(value: Any) -> bool:
    return isinstance(value, datetime) or instant(str(value)) is not None


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())


def _names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


Fits = Callable[[Any], bool]
_SAID: dict[Fits, str] = {
    _count: "a whole number from 0 on",
    _positive: "a number above 0",
    _amount: "a whole number from 1 on",
    _moment: "a date or an instant",
    _text: "a text",
    _texts: "texts by name",
    _names: "a list of names",
}
_EVERY: dict[str, Fits] = {"as_of": _moment, "seed": _count}
#: Kind → what it takes besides the instant and the seed.
_TAKES: dict[str, dict[str, Fits]] = {
    "retrain": {"trials": _amount, "seconds": _positive},
    "forecast": {},
    "compare": {"challenger": _text, "against": _text},
    "rivals": {"challengers": _names, "against": _text},
    "tradeoff": {"with": _names},
    "selftest": {"challenger": _text, "runs": _amount, "harm_runs": _count},
    "bootstrap": {"until": _moment, "external": _text},
    "cycle": {},
    "replay": {"start": _moment, "end": _moment, "every_days": _positive},
    "demo": {"rows": _amount},
    "evidently": {"window_start": _moment, "window_end": _moment, "cohort": _text, "cohort_value": _text},
    "policies": {"start": _moment, "end": _moment, "every_days": _positive, "policies": _texts},
}
_NEEDS = {
    "compare": ("challenger",),
    "rivals": ("challengers",),
    "replay": ("start", "end"),
    "evidently": ("window_start", "window_end"),
    "policies": ("start", "end"),
}


def check_params(kind: str, params: Mapping[str, Any]) -> None:
    """RefusedError, naming the first param that the kind does not take or that is missing, and what it takes."""
    takes = _EVERY | _TAKES[kind]
    for name in _NEEDS.get(kind, ()):
        if params.get(name) is None:
            raise RefusedError(f"A job {kind} without {name}", f"{name}: {_SAID[takes[name]]}", f"give {name}")
    for name, value in params.items():
        if name not in takes:
            raise RefusedError(f"A job {kind} with {name!r}", f"one of: {', '.join(sorted(takes))}", "correct the name")
        if not _fits(takes[name], value):
            raise RefusedError(f"A job {kind} with {name} = {value!r}", _SAID[takes[name]], "correct it")


def _fits(fits: Fits, value: Any) -> bool:
    try:
        return fits(value)
    except (TypeError, ValueError, OverflowError, LoopbenchError):
        return False
