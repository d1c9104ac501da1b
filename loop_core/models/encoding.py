"""Feature columns → the numbers a model sees, the same way in training and in serving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from loop_core.charter import Column

#: The most frequent this many values of a category get a code; rarer ones are treated as missing.
MAX_CATEGORIES = 1_000
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Encoding:
    """Which columns a model reads, in which order, and what number each category is."""

    types: Mapping[str, str]
    """Feature → charter type (number, category, flag, timestamp); the order is the model's column order."""
    categories: Mapping[str, tuple[str, ...]]
    """Category feature → its values; a value's code is its place. A value not listed is missing to the model."""

    @classmethod
    def fit(cls, features: tuple[Column, ...], frame: pl.DataFrame) -> Encoding:
        """Learn the categories' codes from rows: the `MAX_CATEGORIES` most frequent values, by name.

        Raises:
            RefusedError: a feature is text, which no tree model reads.
        """
        for feature in features:
            if feature.type == "text":
                raise RefusedError(
                    f"Feature {feature.name!r} is text",
                    "a number, category, flag or timestamp",
                    "declare it under [[context]] instead",
                )
        categories = {f.name: _frequent(frame, f.name) for f in features if f.type == "category"}
        return cls({f.name: f.type for f in features}, categories)

    @property
    def names(self) -> list[str]:
        """Features in the model's column order."""
        return list(self.types)

    @property
    def categorical(self) -> list[int]:
        """Column indices of the categories."""
        return [index for index, name in enumerate(self.types) if name in self.categories]

    def transform(self, frame: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Rows → (n_rows, n_features) numbers; null, infinite and unseen are NaN, a timestamp is days since 1970.

        Raises:
            RefusedError: a column is missing, or holds another type than the model was trained on.
        """
        import numpy as np
        import polars as pl

        missing = [name for name in self.types if name not in frame.columns]
        if missing:
            raise RefusedError(
                f"The rows lack {', '.join(missing)}",
                f"all of {', '.join(self.types)}",
                "add the columns; null stands for unknown",
            )
        try:
            encoded = frame.select(self._expression(name) for name in self.types)
        except pl.exceptions.PolarsError as error:
            raise RefusedError(
                f"A feature has another type than in training ({str(error).splitlines()[0]})",
                ", ".join(f"{name}: {kind}" for name, kind in self.types.items()),
                "convert the column",
            ) from error
        # A copy: polars hands out a single column as it lies, not to be written to.
        numbers = np.array(encoded.to_numpy(), dtype=np.float64, order="C")
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers

    def _expression(self, name: str) -> pl.Expr:
        import polars as pl

        column, kind = pl.col(name), self.types[name]
        if kind == "category":
            codes = {value: float(code) for code, value in enumerate(self.categories[name])}
            if not codes:
                return pl.lit(None, dtype=pl.Float64).alias(name)
            text = column.cast(pl.String)
            return text.replace_strict(codes, default=None, return_dtype=pl.Float64).alias(name)
        if kind == "timestamp":
            return (column.dt.epoch("s").cast(pl.Float64) / _SECONDS_A_DAY).alias(name)
        return column.cast(pl.Float64).fill_null(float("nan")).alias(name)


def _frequent(frame: pl.DataFrame, name: str) -> tuple[str, ...]:
    import polars as pl

    counts = frame.select(pl.col(name).cast(pl.String).alias("value")).drop_nulls().group_by("value").len()
    # Ties are broken by name, so that the codes do not depend on row order.
    return tuple(
        sorted(counts.sort(["len", "value"], descending=[True, False])["value"].head(MAX_CATEGORIES).to_list())
    )
