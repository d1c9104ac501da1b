"""Which columns Evidently gets to see, as what, and which are left out with a reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from loop_core.charter import Charter

#: Categories beyond the most frequent so many are shown as one: Evidently draws every value.
MAX_CATEGORIES = 50
OTHER = "(other)"


@dataclass(frozen=True)
class Columns:
    """Both sides, with the same columns."""

    reference: pl.DataFrame
    current: pl.DataFrame
    """Numbers as floats, categories and flags as text; `label` is 0, 1 or null."""
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    notes: tuple[str, ...]
    """What was left out or folded, and why; for people."""


def shown_columns(charter: Charter, reference: pl.DataFrame, current: pl.DataFrame) -> Columns:
    """Features and the score; texts and instants are left out, and so is a column without any value on one side."""
    empty = [n for n in reference.columns if _empty(reference[n]) or _empty(current[n])]
    kinds = {c.name: c.type for c in charter.features} | {"score": "number"}
    notes = [f"{name} is left out: no value on one side" for name in empty if name in kinds]
    numbers = tuple(n for n, kind in kinds.items() if kind == "number" and n not in empty)
    categories = tuple(n for n, kind in kinds.items() if kind in ("category", "flag") and n not in empty)
    for name in categories:
        reference, current, folded = _folded(name, reference, current)
        notes += [f"{name}: all but its {MAX_CATEGORIES} most frequent values are shown as {OTHER}"] if folded else []
    kept = [*numbers, *categories, *(["label"] if "label" in reference.columns else [])]
    kept = list(dict.fromkeys([*kept, "score"]))
    return Columns(reference.select(kept), current.select(kept), numbers, categories, tuple(notes))


def _empty(column: pl.Series) -> bool:
    return column.null_count() == len(column)


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
