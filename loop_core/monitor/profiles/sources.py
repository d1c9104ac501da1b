"""The rows that are counted: predictions by the day they were made, ratings by the day they were given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from loop_core.charter import Cohort
from loop_core.lake import Reading, quoted
from loop_core.monitor.profiles.binning import NumberBins
from loop_core.monitor.profiles.plan import RATING, UNLINKED, Plan


class Source(Protocol):
    """One table of signals, row by row."""

    @property
    def table(self) -> str:
        """Its view in a reading."""
        ...

    @property
    def time(self) -> str:
        """The instant by which a row belongs to a day."""
        ...

    @property
    def counted(self) -> str:
        """SQL condition: which of its rows are counted."""
        ...

    def subjects(self, plan: Plan) -> tuple[str, ...]:
        """Columns of a plan that are counted from it."""
        ...

    def rows(
        self, reading: Reading, plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str], where: str = "true"
    ) -> tuple[Reading, str]:
        """SQL of its rows, and the reading with the views that it names: `d_` (day), `own_` (the champion's answer), `c_0`,
        … (cohort values) and the columns. Binds `bound`."""
        ...


@dataclass(frozen=True)
class Predictions:
    """What the model was asked, and what it said."""

    table: str = "predictions"
    time: str = "predicted_at"
    counted: str = "true"

    def subjects(self, plan: Plan) -> tuple[str, ...]:
        return tuple(name for name in plan.subjects if name != RATING)

    def rows(
        self, reading: Reading, plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str], where: str = "true"
    ) -> tuple[Reading, str]:
        return reading, f"select {row_columns(plan, cohorts, subjects)} from predictions where {where}"


@dataclass(frozen=True)
class Ratings:
    """What people said of it; what was said without a rating is no part of it."""

    table: str = "feedback"
    time: str = "given_at"
    counted: str = "rating is not null"

    def subjects(self, plan: Plan) -> tuple[str, ...]:
        return (RATING,)

    def rows(
        self, reading: Reading, plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str], where: str = "true"
    ) -> tuple[Reading, str]:
        said = f"select prediction_id, {_day(self.time)} as d_, rating::double as {RATING} from feedback where {self.counted} and ({where})"
        if not cohorts:
            return reading.with_views(said_=said), "select * from said_"
        values = ", ".join(f"{cohort.sql} as v_{k}" for k, cohort in enumerate(cohorts))
        about = (
            f"select prediction_id, {values} from predictions where prediction_id in (select prediction_id from said_)"
        )
        # A cohort value is never null.
        groups = ", ".join(f"coalesce(v_{k}, '{UNLINKED}') as c_{k}" for k in range(len(cohorts)))
        sql = f"select d_, {groups}, {RATING} from said_ left join about_ using (prediction_id)"
        return reading.with_views(said_=said, about_=about), sql


PREDICTIONS, RATINGS = Predictions(), Ratings()
SOURCES: tuple[Source, ...] = (PREDICTIONS, RATINGS)


def row_columns(plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str]) -> str:
    """SQL projection of predictions to what is counted, see `Source.rows`."""
    groups = [f"{cohort.sql} as c_{k}" for k, cohort in enumerate(cohorts)]
    own = ["(model_version is not distinct from $version) as own_"] if set(plan.answers) & set(subjects) else []
    cells = [_cell(name, plan) for name in subjects]
    return ", ".join([f"{_day('predicted_at')} as d_", *own, *groups, *cells])


def bound(plan: Plan, subjects: Collection[str]) -> dict[str, Any]:
    """What the SQL of rows binds."""
    return {"version": plan.scored.version} if plan.scored and set(plan.answers) & set(subjects) else {}


def _day(instant: str) -> str:
    return f"(epoch_us({instant}) // 86400000000)::integer"


def _cell(name: str, plan: Plan) -> str:
    kind = "double" if isinstance(plan.subjects[name], NumberBins) else "varchar"
    return f"{quoted(name)}::{kind} as {quoted(name)}"
