"""How results are split: by nobody, by a declared cohort, or by a pair of them."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.charter import Charter, Cohort
from loop_core.errors import UnknownNameError

#: Between the two cohorts of a pair, and between their values.
TIMES = " × "
#: All values beyond the largest ones together.
OTHER = "(other)"


@dataclass(frozen=True)
class Cut:
    """Nobody is split off by no cohorts; two make every combination of their values a group."""

    cohorts: tuple[Cohort, ...]

    @classmethod
    def of(cls, charter: Charter, cohort: str | tuple[str, ...] | None) -> Cut:
        """A cohort by name, a pair as `("a", "b")`, `"a × b"` or `"a*b"`, or everybody (None).

        Raises:
            UnknownNameError: a name that the charter does not declare; more than two of them.
        """
        if cohort is None:
            return cls(())
        names = cohort if isinstance(cohort, tuple) else tuple(cohort.replace("*", "×").split("×"))
        if len(names) > 2:
            raise UnknownNameError("pair of cohorts", TIMES.join(names), [c.name for c in charter.cohorts])
        return cls(tuple(charter.cohort(name.strip()) for name in names))

    @property
    def name(self) -> str | None:
        """As results say it: `a`, `a × b`, or None for everybody."""
        return TIMES.join(c.name for c in self.cohorts) or None

    @property
    def sql(self) -> str:
        """The group's value as SQL text over predictions; null for everybody."""
        return f" || '{TIMES}' || ".join(c.sql for c in self.cohorts) or "null::varchar"

    @property
    def min_rows(self) -> int:
        """Groups with fewer labelled rows are small."""
        return max((c.min_rows for c in self.cohorts), default=0)

    @property
    def max_values(self) -> int:
        """The largest this many groups are kept apart, the rest is `(other)`."""
        return max((c.max_values for c in self.cohorts), default=1)
