"""Nonsense is refused when a job is asked for, not by a worker later."""

from __future__ import annotations

from typing import Any

import pytest

from loop_core.errors import RefusedError
from loop_core.jobs.kinds import KINDS
from loop_core.jobs.params import check_params


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("retrain", {"trials": "abc"}, "a whole number from 1 on"),
        ("retrain", {"trials": 0}, "a whole number from 1 on"),
        ("retrain", {"trials": 2.5}, "a whole number from 1 on"),
        ("retrain", {"seconds": "inf"}, "a number above 0"),
        ("retrain", {"seconds": 0}, "a number above 0"),
        ("retrain", {"seed": -1}, "a whole number from 0 on"),
        ("retrain", {"as_of": "soon"}, "a date or an instant"),
        ("retrain", {"bogus": 1}, "one of: as_of, seconds, seed, trials"),
        ("compare", {}, "give challenger"),
        ("rivals", {"challengers": "m"}, "a list of names"),
        ("policies", {"start": "2018-01-01"}, "give end"),
        ("policies", {"start": "2018-01-01", "end": "2018-02-01", "policies": {"mine": 3}}, "texts by name"),
    ],
)
def test_what_a_kind_does_not_take_is_refused(kind: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        check_params(kind, params)


def test_texts_that_are_numbers_will_do_and_every_kind_is_known() -> None:
    check_params("retrain", {"trials": "20", "seconds": "1.5", "seed": "0", "as_of": "2018-08-27"})
    for kind in KINDS:
        times = {"start": "2018-01-01", "end": "2018-02-01", "window_start": "2018-01-01", "window_end": "2018-02-01"}
        wanted = {"replay": ("start", "end"), "policies": ("start", "end"), "evidently": ("window_start", "window_end")}
        models = {"compare": {"challenger": "m"}, "rivals": {"challengers": ["m", "n"]}}
        check_params(kind, {name: times[name] for name in wanted.get(kind, ())} | models.get(kind, {}))
