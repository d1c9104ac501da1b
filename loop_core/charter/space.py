"""Where the search of a retrain may look."""

from __future__ import annotations

from pydantic import model_validator

from loop_core.charter.part import Part

#: name → (lowest, highest) with which LightGBM trains anything.
_LIMITS: dict[str, tuple[float, float]] = {
    "learning_rate": (0.0001, 1),
    "num_leaves": (2, 4096),
    "min_data_in_leaf": (1, 1_000_000),
    "feature_fraction": (0.01, 1),
    "bagging_fraction": (0.01, 1),
    "lambda_l2": (1e-6, 1e6),
    "cat_smooth": (0.01, 1e4),
}
Range = tuple[float, float]
Whole = tuple[int, int]


class SearchSpace(Part):
    """`[retrain.space]`: low and high of what the search chooses, e.g. `num_leaves = [4, 24]`; equal: it is fixed.

    What is not named keeps the range it has by default, see `loop_core.retrain.space`.
    """

    learning_rate: Range | None = None
    """Step of each tree."""
    num_leaves: Whole | None = None
    """Leaves of a tree."""
    min_data_in_leaf: Whole | None = None
    """Fewest rows in a leaf."""
    feature_fraction: Range | None = None
    """Share of the features that a tree sees."""
    bagging_fraction: Range | None = None
    """Share of the rows that a tree sees."""
    lambda_l2: Range | None = None
    """Ridge on the values of leaves."""
    cat_smooth: Range | None = None
    """How far rare categories are drawn to the mean."""

    @property
    def named(self) -> dict[str, tuple[float, float]]:
        """name → (low, high) of those that are set."""
        return {name: found for name in _LIMITS if (found := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _possible(self) -> SearchSpace:
        for name, (low, high) in self.named.items():
            lowest, highest = _LIMITS[name]
            if not low <= high:
                raise ValueError(f"{name} = [{low:g}, {high:g}] holds nothing; the lower end comes first")
            if low < lowest or high > highest:
                raise ValueError(
                    f"{name} = [{low:g}, {high:g}] leaves what LightGBM can use: {lowest:g} to {highest:g}"
                )
        return self
