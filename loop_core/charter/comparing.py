"""`[compare]`: what a comparison looks at beside metrics and cohorts, and what its findings do to a release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loop_core.charter.part import AMOUNT, ROWS, Name, Part, People, Share

#: What a finding may do: hold or block a release, be shown only, or not be looked for.
Weight = Literal["gate", "signal", "off"]


class ComparePlan(Part):
    """`[compare]`: slices, pairs of cohorts, fairness, and who may set a gate aside."""

    slices: Weight = "gate"
    """A slice of rows that nobody declared, found on one half of them and confirmed on the other to be worse."""
    slice_min_rows: Annotated[int, ROWS] = Field(default=200, ge=50)
    """Rows that a slice must have in each half."""
    slice_depth: int = Field(default=2, ge=1, le=3)
    """So many conditions at most describe a slice."""
    slice_fdr: Share = 0.05
    """Share of the confirmed slices that may be there by chance."""
    fairness_margin: Annotated[float, AMOUNT] | None = Field(default=None, gt=0)
    """By so much may the gap between values of a protected cohort widen, as a share (0..1) or, where numbers are predicted,
    in the label's unit; None: gaps are shown, and gate nothing."""
    cohort_pairs: tuple[tuple[Name, Name], ...] = ()
    """Pairs of declared cohorts whose combinations are cohorts too."""
    overriders: People = ()
    """Who may set a blocking gate aside, with a reason; empty: the owner."""
