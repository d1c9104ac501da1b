"""Worlds whose slices are known: two models that are equally good everywhere, or the challenger worse in one slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from loop_core.charter import Charter, parse_charter
from loop_core.compare import Pairs, Units
from loop_core.compare.pairing import Comparison
from loop_core.compare.span import Span
from tests.conftest import START

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: What the two models are compared by. `log_loss`: probabilities, unevenly hard rows. `accuracy`: which of three classes.
#: `mae`: errors of one mean and quite another shape – the champion's mostly small and now and then huge, the challenger's all
#: alike – so that gaps are skewed as seldom in earnest.
Kind = Literal["log_loss", "accuracy", "mae"]
#: Where harm is planted, 5 % of the rows each: one value of a category, the upper tail of a number, two conditions at once.
Place = Literal["value", "tail", "both"]

_TASKS = {"log_loss": "binary", "accuracy": "multiclass", "mae": "regression"}
_SIZES = (2, 4, 8, 20, 60)


@dataclass(frozen=True)
class World:
    """A comparison whose truth is known, with the charter it is judged by."""

    charter: Charter
    rows: Comparison
    planted: Bools | None
    """(n,) rows in which the challenger is worse; None: nowhere."""


def world(
    rng: np.random.Generator,
    n: int,
    kind: Kind,
    *,
    numbers: int = 10,
    categories: int = 5,
    clustered: bool = False,
    place: Place | None = None,
    harm: float = 0.1,
    depth: int = 2,
    min_rows: int = 200,
) -> World:
    """Two models on n rows, equally good everywhere but for the planted harm (of `accuracy`: so much less of it there).

    Args:
        clustered: five rows an entity, on which the models agree or differ together.
        place: where harm is planted; None: nowhere.
    """
    frame = table(rng, n, numbers, categories)
    planted = None if place is None else _inside(frame, place)
    entities = np.arange(n) // 5 if clustered else None
    labels, champion, challenger = _models(rng, kind, frame, entities, planted, harm)
    keys = np.arange(n) if entities is None else entities
    units = Units(None, n) if entities is None else Units(entities, int(entities.max()) + 1)
    span = Span(START, START, frozenset(), "simulated")
    ids = np.arange(n, dtype=np.uint64)
    pairs = Pairs(labels, champion, challenger, units)
    rows = Comparison(pairs, pl.DataFrame(), span, 1.0, 0, ids, keys.astype(np.uint64), frame)
    return World(charter_of(kind, frame, depth, min_rows), rows, planted)


def overlap(found: World, sql: str) -> float:
    """Rows of a slice and of the planted one: both, as a share of either."""
    rows = pl.SQLContext(frame=found.rows.columns.with_row_index("row"), eager=True)
    inside = np.zeros(len(found.rows.pairs), dtype=bool)
    inside[rows.execute(f"select row from frame where {sql}")["row"].to_numpy()] = True
    return float((inside & found.planted).sum() / (inside | found.planted).sum())


def table(rng: np.random.Generator, n: int, numbers: int, categories: int) -> pl.DataFrame:
    """Skewed and plain numbers, categories of 2 to 60 values of uneven weight, a share of nulls here and there."""
    columns: dict[str, pl.Series] = {}
    for k in range(numbers):
        values = pl.Series(rng.lognormal(3, 1, n) if k % 2 else rng.normal(0, 1, n))
        columns[f"x{k}"] = values.set(pl.Series(rng.random(n) < 0.1), None) if k % 5 == 4 else values
    for k in range(categories):
        size = _SIZES[k % len(_SIZES)]
        weights = 1 / np.arange(1, size + 1)
        names = pl.Series([f"value {j}" for j in range(size)])
        columns[f"c{k}"] = names.gather(rng.choice(size, n, p=weights / weights.sum()))
    columns["region"] = pl.Series([f"region {j:02d}" for j in range(20)]).gather(rng.integers(0, 20, n))
    return pl.DataFrame(columns)


def charter_of(kind: Kind, frame: pl.DataFrame, depth: int = 2, min_rows: int = 200) -> Charter:
    """A charter of these columns, with one goal."""
    types = {name: "category" if dtype == pl.String else "number" for name, dtype in frame.schema.items()}
    classes = 'classes = ["a", "b", "c"]' if kind == "accuracy" else ""
    columns = "".join(f'[[features]]\nname = "{name}"\ntype = "{kind}"\n' for name, kind in types.items())
    return parse_charter(f"""
[loop]
name = "world"
title = "World"
purpose = "Which slices are found?"
task = "{_TASKS[kind]}"
{classes}
[roles]
owner = "ana"
[labels]
horizon_days = 1
{columns}
[[metrics]]
name = "{kind}"
margin = 0.01
[compare]
slice_depth = {depth}
slice_min_rows = {min_rows}
""")


def _inside(frame: pl.DataFrame, place: Place) -> Bools:
    if place == "value":
        return (frame["region"] == "region 03").to_numpy()
    if place == "tail":
        numbers = frame["x0"].to_numpy()
        return np.asarray(numbers > np.quantile(numbers, 0.95))
    numbers, quarter = frame["x1"].to_numpy(), (frame["c1"] == "value 1").to_numpy()
    return np.asarray((numbers <= np.quantile(numbers, 0.05 / quarter.mean())) & quarter)


def _models(
    rng: np.random.Generator, kind: Kind, frame: pl.DataFrame, entities: npt.NDArray[np.int64] | None,
    planted: Bools | None, harm: float,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    n = frame.height

    def noise() -> Floats:
        own = rng.standard_normal(n)
        return own if entities is None else 0.8 * rng.standard_normal(int(entities.max()) + 1)[entities] + 0.6 * own

    # Some rows are harder than others, for both models.
    hard = (frame["c0"] == "value 0").to_numpy() + (frame["x0"].to_numpy() > 1)
    if kind == "log_loss":
        truth = 1.5 * noise() - 1
        labels = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(np.float64)
        spread = 0.3 + 0.5 * hard
        worse = np.zeros(n) if planted is None else harm * 10 * planted
        return labels, _logistic(truth + spread * noise()), _logistic(truth + (spread + worse) * noise())
    if kind == "mae":
        labels = noise()
        return labels, labels + rng.gamma(0.3, 1 / 0.3, n), labels + 1 + 0.1 * rng.standard_normal(n)
    labels = rng.integers(0, 3, n).astype(np.float64)
    rate = 0.1 + 0.1 * hard
    more = np.zeros(n) if planted is None else harm * planted
    # What one model does not know the other seldom does: of the rows that one gets wrong, about half are the other's too.
    shared = noise()
    first, second = (_chance(0.9 * shared + np.sqrt(1 - 0.9**2) * noise()) for _ in range(2))
    return labels, _answers(rng, labels, first < rate), _answers(rng, labels, second < rate + more)


def _answers(rng: np.random.Generator, labels: Floats, wrong: Bools) -> Floats:
    """(n, 3) sure probabilities of a class, another one where wrong."""
    said = (labels + wrong * rng.integers(1, 3, len(labels))) % 3
    return np.where(said[:, None] == np.arange(3), 0.9, 0.05)


def _chance(noise: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(noise))


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
