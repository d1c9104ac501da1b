"""Results become frames whatever they hold."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from loop_core.frames import to_frame, to_row
from loop_core.vocabulary import State


@dataclass(frozen=True)
class Bin:
    score: float
    state: State


@dataclass(frozen=True)
class Curve:
    name: str
    bins: tuple[Bin, ...]
    first: Bin | None
    shares: tuple[float, ...] = (0.5,)


def test_results_within_results_are_structs_of_the_frame() -> None:
    curves = [Curve("a", (Bin(0.1, State.OK), Bin(0.2, State.ALARM)), None), Curve("b", (), Bin(0.3, State.OK))]
    frame = to_frame(curves)
    assert frame["bins"].list.len().to_list() == [2, 0]
    assert frame["bins"].list.explode().struct.field("state").to_list()[:2] == ["ok", "alarm"]
    assert frame["first"].struct.field("score").to_list() == [None, 0.3]
    assert frame.schema["shares"] == pl.List(pl.Float64)
    assert to_row(curves[1]) == {"name": "b", "bins": [], "first": {"score": 0.3, "state": "ok"}, "shares": [0.5]}
