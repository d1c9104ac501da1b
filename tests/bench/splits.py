"""Real data split once by time into rows to learn from, to choose by, and to be judged on: the same for every side."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from loop_core.charter import Charter, parse_charter
from loop_core.clock import instant
from loop_core.models import Encoding
from loop_core.recipes import import_recipe
from loop_core.retrain import TrainingSet, training_set
from loop_core.retrain.folds import Fold
from loop_core.retrain.learning import learning_of
from loop_core.retrain.objective import Objective
from loop_core.retrain.space import fixed_params
from loop_core.workspace import Workspace
from tests.bench.bench_replay import DATA

Floats = npt.NDArray[np.float64]
#: Each seed in turn searches on a split that ends so long before the newest row: one test period is one accident.
BACK_DAYS = (0, 60, 120)
_DAY = 86_400_000_000  # microseconds
EMPLOYMENT = """
[loop]
name = "employment"
title = "Employment"
purpose = "Is this person employed?"
positive = "employed"
[roles]
owner = "ana"
[[metrics]]
name = "log_loss"
margin = 0.01
[labels]
horizon_days = 1
"""


@dataclass(frozen=True)
class Split:
    """Train | embargo | validation | embargo | test."""

    name: str
    rows: TrainingSet
    fold: Fold
    """Train and validation."""
    test_start: int
    test_stop: int
    """The test is rows test_start … test_stop − 1."""
    charter: Charter
    """Its objective is the mean loss alone: no cohort counts extra, so that both sides lower the same number."""
    back_days: int = 0
    """How long before the newest row the test ends."""

    def objective(self, seed: int, folds: tuple[Fold, ...] = ()) -> Objective:
        """Ours; on the one fold if none are given."""
        fixed = fixed_params(learning_of(self.charter).params, seed, [])
        return Objective(self.rows, folds or (self.fold,), fixed, self.charter)

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Train, validation, test."""
        fold = self.fold
        valid, test = slice(fold.valid_start, fold.valid_stop), slice(self.test_start, self.test_stop)
        return slice(0, fold.train_stop), valid, test

    def table(self, rows: Any) -> Any:
        """The rows as a pandas table whose categories are marked as such: what FLAML and scikit-learn's users pass."""
        import pandas as pd

        encoding = self.rows.encoding
        found = pd.DataFrame(self.rows.x[rows], columns=encoding.names)
        for name, values in encoding.categories.items():
            codes = found[name].fillna(-1).astype(int)
            found[name] = pd.Categorical.from_codes(codes, [f"c{place}" for place in range(len(values))])
        return found

    def losses(self, scores: Floats) -> Floats:
        """Loss of each test row."""
        return learning_of(self.charter).loss(self.rows.y[self.parts[2]], scores)


def splits(folder: Path, names: Collection[str]) -> Iterator[list[Split]]:
    """Every named data set that is there, split at each origin in turn."""
    if "olist_32k" in names and (DATA / "olist_32k").exists():
        yield olist(folder)
    if "bike" in names and (DATA / "bike").exists():
        yield bike(folder)
    if "employment" in names:
        yield [employment()]


def olist(folder: Path) -> list[Split]:
    """Orders, late or not: blocks of six weeks, embargo as long as the label horizon."""
    with Workspace.create(folder / "olist") as workspace:
        import_recipe(workspace, "olist", DATA / "olist_32k", actor="bench", as_of=instant("2019-01-01"))
        loop = workspace.loop("orders")
        rows = training_set(loop, instant("2019-01-01"), since=instant("2017-01-01"), until=instant("2018-08-29"))
        return [_by_time("olist_32k", rows, loop.charter, 42, back) for back in BACK_DAYS]


def bike(folder: Path) -> list[Split]:
    """Rentals an hour: blocks of eight weeks; judged by squares, as that is what a FLAML model lowers too."""
    with Workspace.create(folder / "bike") as workspace:
        import_recipe(workspace, "bike", DATA / "bike", actor="bench", as_of=instant("2013-01-02"))
        loop = workspace.loop("rentals")
        rows = training_set(loop, instant("2013-01-03"), since=instant("2011-01-08"), until=instant("2013-01-01"))
        squares = tuple(metric for metric in loop.charter.metrics if metric.name != "mae")
        charter = loop.charter.model_copy(update={"metrics": squares})
        return [_by_time("bike", rows, charter, 56, back) for back in BACK_DAYS]


def employment() -> Split:
    """The census's people of Massachusetts, bundled with NannyML: train 2015, validate and test in 2016."""
    folder = files("nannyml.datasets.data")
    old = pl.read_parquet(str(folder / "employment_MA_reference.pq"))
    new = pl.read_parquet(str(folder / "employment_MA_analysis.pq"))
    new = new.join(pl.read_parquet(str(folder / "employment_MA_analysis_target.pq")), on="id")
    frame = pl.concat([old.select(_people(old)), new.filter(pl.col("year") == 2016).select(_people(old))])
    features = "".join(
        f'[[features]]\nname = "{name}"\ntype = "{"number" if name == "agep" else "category"}"\n'
        for name in frame.columns
        if name != "employed"
    )
    charter = _plain(parse_charter(EMPLOYMENT + features))
    encoding, n = Encoding.fit(charter.features, frame), frame.height
    start = datetime(2015, 1, 1, tzinfo=UTC)
    rows = TrainingSet(
        x=encoding.transform(frame),
        y=frame["employed"].to_numpy().astype(np.float64),
        at=np.arange(n) * _DAY // 100,
        cohorts={},
        encoding=encoding,
        as_of=start,
        snapshot=1,
        start=start,
        end=start + timedelta(days=n / 100),
    )
    middle = (old.height + n) // 2
    return Split("employment", rows, Fold(old.height, old.height, middle), middle, n, charter)


def _people(frame: pl.DataFrame) -> list[pl.Expr]:
    left_out = ("id", "year", "prediction", "predicted_probability", "employed", "AGEP")
    codes = [pl.col(name).cast(pl.String) for name in frame.columns if name not in left_out]
    return [column.name.to_lowercase() for column in (pl.col("AGEP", "employed").cast(pl.Float64), *codes)]


def _by_time(name: str, rows: TrainingSet, charter: Charter, block_days: int, back_days: int) -> Split:
    def place(days: float) -> int:
        return int(rows.at.searchsorted(rows.at[-1] + 1 - int((back_days + days) * _DAY)))

    embargo = charter.labels.horizon_days
    fold = Fold(
        train_stop=place(2 * block_days + 2 * embargo),
        valid_start=place(2 * block_days + embargo),
        valid_stop=place(block_days + embargo),
    )
    return Split(name, rows, fold, place(block_days), place(0), _plain(charter), back_days)


def _plain(charter: Charter) -> Charter:
    return charter.model_copy(update={"retrain": charter.retrain.model_copy(update={"worst_cohort_weight": 0.0})})
