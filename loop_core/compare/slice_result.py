"""What a slice search gives: the confirmed slices, each with both of its numbers, and how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.signed import signed_difference


@dataclass(frozen=True)
class Slice:
    """Rows in which the challenger is worse than the champion: found on one half of the rows, confirmed on the other."""

    id: str
    """Its name within the scorecard: `s1`, `s2`, …, the surest first."""
    text: str
    """Its conditions in words."""
    sql: str
    """The same as a boolean SQL expression over the loop's columns."""
    columns: tuple[str, ...]
    """The columns it names."""
    metric: str
    """The metric that is worse there."""
    n_search: int
    """Rows on the half it was found on."""
    gap_search: float
    """Gain of the challenger there, in the metric's unit; flattered, because the worst of many were taken."""
    n: int
    """Rows on the half that confirmed it."""
    gap: float
    """Gain of the challenger there: what to believe. Below zero."""
    ci_low: float
    """Lower end of its 95 % interval, clustered by entity."""
    ci_high: float
    """Upper end."""
    p: float
    """One-sided p-value of "not worse here, nor worse than everybody is" on the confirming half, before the correction for
    how many were tried."""
    champion: float
    """The champion's value there, on the confirming half."""
    challenger: float
    """The challenger's value."""
    margin: float
    """Margin inside cohorts: losing surely less than this is not worse."""
    share: float
    """Of all compared rows."""

    def __post_init__(self) -> None:
        # Read back from JSON it is a list.
        object.__setattr__(self, "columns", tuple(self.columns))


@dataclass(frozen=True)
class SliceSearch:
    """A search, whatever it found."""

    metric: str | None
    """By what rows were compared; None: no binding metric adds up over rows."""
    slices: tuple[Slice, ...] = ()
    """The confirmed ones, the surest first."""
    columns: int = 0
    """Columns that were cut."""
    looked: int = 0
    """Slices looked at on the searching half."""
    tried: int = 0
    """Slices tried on the confirming half."""
    n_search: int = 0
    """Rows of the searching half."""
    n_confirm: int = 0
    """Rows of the confirming half."""
    least: int = 0
    """Rows that a slice had to have in each half."""
    reason: str = ""
    """Why there was no search; empty: there was one."""

    @property
    def sentence(self) -> str:
        """What was looked at and what came of it."""
        if self.reason:
            return f"Slices were not looked for: {self.reason}."
        halves = f"{self.n_search:,} rows searched, {self.n_confirm:,} others to confirm"
        if not self.slices:
            return (
                f"No slice is confirmed to be worse: of {self.looked:,} with {self.least} rows or more, over"
                f" {self.columns} columns, {self.tried} stood out and were tried ({halves})."
            )
        named = "; ".join(_named(one) for one in self.slices[:3])
        more = f"; and {len(self.slices) - 3} more" if len(self.slices) > 3 else ""
        return f"Worse where {named}{more}. {self.looked:,} looked at, {self.tried} tried ({halves})."


def _named(one: Slice) -> str:
    from loop_core.compare.metrics import words_of

    interval = f"{words_of(one.metric)} {signed_difference(one.gap, one.ci_low, one.ci_high)}"
    return f"{one.text}: {interval} on {one.n:,} rows, {signed_difference(one.gap_search)} where found"
