"""Which columns Evidently gets to see, as what, and which are left out with a reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from loop_core.charter import Charter
from loop_core.monitor.report.sample import scores_of

#: Categories beyond the most frequent so many are shown as one: Evidently draws every value.
MAX_CATEGORIES = 50
OTHER = "(other)"
#: Histograms of larger numbers have no bins: their ends are one float.
MAX_NUMBER = 1e12


@dataclass(frozen=True)
class Columns:
    """Both sides, with the same columns."""

    reference: pl.DataFrame
    current: pl.DataFrame
    """Numbers as floats, categories and flags as text; `label` is 0 or 1, the number of a class, a number, or null."""
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    notes: tuple[str, ...]
    """What was left out or folded, and why; for people."""


def shown_columns(charter: Charter, reference: pl.DataFrame, current: pl.DataFrame) -> Columns:
    """Features and the score; texts and instants are left out, and so is a column without any value on one side."""
    kinds = {c.name: c.type for c in charter.features} | dict.fromkeys(scores_of(charter), "number")
    numeric = [name for name, kind in kinds.items() if kind == "number"]
    # NaN and infinity are what the gates would have turned away: as good as no value.
    finite = [pl.when(pl.col(name).is_finite()).then(name) for name in numeric]
    reference, current = reference.with_columns(finite), current.with_columns(finite)
    left_out = {
        n: why for n in reference.columns if (why := _undrawable(reference[n], current[n], number=n in numeric))
    }
    notes = [f"{name} is left out: {why}" for name, why in left_out.items() if name in kinds]
    numbers = tuple(n for n in numeric if n not in left_out)
    categories = tuple(n for n, kind in kinds.items() if kind in ("category", "flag") and n not in left_out)
    for name in categories:
        reference, current, folded = _folded(name, reference, current)
        notes += [f"{name}: all but its {MAX_CATEGORIES} most frequent values are shown as {OTHER}"] if folded else []
    kept = [*numbers, *categories, *(["label"] if "label" in reference.columns else [])]
    kept = list(dict.fromkeys([*kept, *scores_of(charter)]))
    return Columns(reference.select(kept), current.select(kept), numbers, categories, tuple(notes))


def _undrawable(reference: pl.Series, current: pl.Series, *, number: bool) -> str:
    """Why Evidently cannot draw a column; empty: it can."""
    for side in (reference, current):
        if side.null_count() == len(side):
            return "no value on one side"
        if number and float(side.abs().max()) > MAX_NUMBER:  # type: ignore[arg-type]
            return f"values beyond {MAX_NUMBER:g}"
    return ""


def _folded(name: str, reference: pl.DataFrame, current: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, bool]:
    """The column as text of bounded variety. Its values end inside a page's script, so they hold no `<`."""
    text = pl.col(name).cast(pl.String).str.replace_all("<", "‹", literal=True)
    reference, current = reference.with_columns(text), current.with_columns(text)
    both = pl.concat([reference[name], current[name]]).drop_nulls()
    if both.n_unique() <= MAX_CATEGORIES:
        return reference, current, False
    counted = both.value_counts().sort(["count", name], descending=[True, False])
    kept = counted[name].head(MAX_CATEGORIES).implode()
    known = pl.col(name).is_in(kept) | pl.col(name).is_null()
    fold = pl.when(known).then(pl.col(name)).otherwise(pl.lit(OTHER)).alias(name)
    return reference.with_columns(fold), current.with_columns(fold), True
