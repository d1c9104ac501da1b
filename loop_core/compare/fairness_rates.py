"""Which rates tell whether a model treats groups alike, by task; and the groups of a protected cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Cohort
from loop_core.compare.gaps import Rate
from loop_core.compare.groups import OTHER
from loop_core.compare.metrics import Pairs
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: Rows of a class that a group needs before its hits or false alarms are compared.
MIN_SIDE = 20


@dataclass(frozen=True)
class Asked:
    """What is compared between groups."""

    rates: Mapping[str, tuple[Rate, Rate]]
    """Name of a rate → of the champion, of the challenger."""
    measures: Mapping[str, tuple[str, ...]]
    """Measure → the rates over which its widest gap is taken."""
    shown: tuple[str, ...]
    """Rates that are worth a table by group."""
    threshold: float | None
    """Binary: yes is said from this probability on."""


def asked_of(charter: Charter, pairs: Pairs) -> Asked:
    """The rates of the charter's task.

    Binary: yes from the charter's threshold by costs on, else from 0.5. Multiclass: the most probable class, each class
    against the rest. Regression: the mean error, with and without its sign, in the label's unit.
    """
    if charter.loop.task is Task.REGRESSION:
        return _of_numbers(pairs)
    if charter.loop.task is Task.MULTICLASS:
        return _of_classes(charter, pairs)
    threshold = charter.operating_point
    said = [(scores >= threshold).astype(np.float64) for scores in (pairs.champion, pairs.challenger)]
    rates = _against_the_rest("", _is(pairs, 1), said)
    shown = ("said yes", "true positives", "false positives")
    measures = {"demographic_parity": shown[:1], "equalized_odds": shown[1:]}
    return Asked(rates, measures, shown, threshold)


def _against_the_rest(of: str, truth: Floats, said: list[Floats]) -> dict[str, tuple[Rate, Rate]]:
    """How often yes is said of everybody, of those it is true of, and of the others; `truth` is NaN without a label."""
    one = np.ones_like(truth)
    return {
        f"said {of or 'yes'}": (Rate(said[0], one), Rate(said[1], one)),
        f"true {of or 'positives'}": (_among(said[0], truth), _among(said[1], truth)),
        f"false {of or 'positives'}": (_among(said[0], 1 - truth), _among(said[1], 1 - truth)),
    }


def _among(said: Floats, counted: Floats) -> Rate:
    """How often yes is said of the rows that count; of those that may count or not (NaN) what is said is kept apart."""
    known = np.nan_to_num(counted)
    return Rate(
        said * known, known, open=np.where(np.isnan(counted), said, np.nan) if np.isnan(counted).any() else None
    )


def _is(pairs: Pairs, label: int) -> Floats:
    """(n,) 1 where it is the label, 0 where it is another, NaN where there is none."""
    return np.where(pairs.unlabelled, np.nan, pairs.labels == label)


def _right(said: Floats, pairs: Pairs) -> Rate:
    """How often what is said is right."""
    if not pairs.unlabelled.any():
        return Rate((said == pairs.labels).astype(np.float64), np.ones(len(said)))
    known = ~pairs.unlabelled
    return Rate((said == pairs.labels).astype(np.float64), known.astype(np.float64), open=np.where(known, np.nan, 2.0))


def _of_classes(charter: Charter, pairs: Pairs) -> Asked:
    told = [scores.argmax(axis=1) for scores in (pairs.champion, pairs.challenger)]
    rates = {"accuracy": (_right(told[0], pairs), _right(told[1], pairs))}
    for number, name in enumerate(charter.loop.classes):
        rates |= _against_the_rest(name, _is(pairs, number), [(said == number).astype(np.float64) for said in told])
    classes = charter.loop.classes
    measures = {
        "accuracy": ("accuracy",),
        "demographic_parity": tuple(f"said {name}" for name in classes),
        "equalized_odds": tuple(f"{kind} {name}" for name in classes for kind in ("true", "false")),
    }
    return Asked(rates, measures, ("accuracy", *measures["demographic_parity"]), None)


def _of_numbers(pairs: Pairs) -> Asked:
    errors = [scores - pairs.labels for scores in (pairs.champion, pairs.challenger)]
    one = np.ones(len(pairs))
    rates = {
        "mean error": (Rate(errors[0], one, False), Rate(errors[1], one, False)),
        "absolute error": (Rate(np.abs(errors[0]), one, False), Rate(np.abs(errors[1]), one, False)),
    }
    names = tuple(rates)
    return Asked(rates, {"mean_error": names[:1], "absolute_error": names[1:]}, names, None)


@dataclass(frozen=True)
class Groups:
    """The values of a protected cohort that have enough rows."""

    names: tuple[str, ...]
    """By size, the largest first."""
    rows: Ints
    """Places of their rows."""
    codes: Ints
    """Number of each of these rows' group."""
    left_out: str
    """Those with too few rows, in words; empty: none."""


def protected_groups(cohort: Cohort, values: pl.Series) -> Groups:
    """The groups of a cohort: its largest `max_values` values, the rest together; those under `min_rows` are left out.

    Args:
        cohort: protected.
        values: (n,) text, the value of each row.
    """
    import polars as pl

    sizes = values.rename("value").value_counts().sort("count", "value", descending=[True, False])
    kept = sizes.head(cohort.max_values)["value"]
    named = values.to_frame("value").select(pl.when(pl.col("value").is_in(kept.implode())).then(pl.col("value")).otherwise(pl.lit(OTHER)))  # fmt: skip
    sizes = named["value"].value_counts().sort("count", "value", descending=[True, False])
    large = sizes.filter(pl.col("count") >= cohort.min_rows)["value"].to_list()
    codes = named["value"].replace_strict(large, list(range(len(large))), default=-1, return_dtype=pl.Int64).to_numpy()
    small = [f"{name} (n = {n:,})" for name, n in sizes.iter_rows() if n < cohort.min_rows]
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    rows = np.flatnonzero(codes >= 0)
    return Groups(tuple(large), rows, codes[rows], ", ".join(small[:5]) + more)
