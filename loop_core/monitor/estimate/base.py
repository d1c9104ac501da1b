"""What an estimate of one task is made of: which columns of a window are read, what is learnt of a reference, and what a
window's rows then let expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from loop_core.charter import Charter
from loop_core.monitor.estimate.expected import Expected
from loop_core.monitor.groups import Group

if TYPE_CHECKING:
    import polars as pl

#: Labelled rows that a reference asks for.
MIN_ROWS = 300


class Estimator(Protocol):
    """Fitted on a reference."""


class Told(Protocol):
    """Rows of a window with what the estimator says of each."""

    def expected(self, metric: str) -> Expected | None:
        """One metric of all of them; None: not to be expected of these rows."""
        ...


@dataclass(frozen=True)
class ReferenceRows:
    """Labelled rows of mature windows."""

    charter: Charter
    everybody: Group
    by_value: Mapping[str | None, Group]
    """Cohort value → its rows."""
    features: pl.DataFrame | None
    """The same rows with the charter's features, `score` and `label`, where the method reads them."""


class Method(Protocol):
    """How metrics of one task are estimated."""

    assumption: str
    """What every estimate rests on, for people."""
    features: bool
    """Whether it is learnt from features, not from scores alone."""

    def select(self, charter: Charter) -> str:
        """SQL that gives rows of the view `scored` (columns `w`, `c`, `v` and the predictions' own) as `w, c, v, n` and what it
        reads of them; `n` is how many rows one stands for."""
        ...

    def enough(self, group: Group) -> bool:
        """Whether a reference can be learnt of these rows."""
        ...

    def fit(self, rows: ReferenceRows) -> Mapping[str | None, Estimator]:
        """Cohort value → what its rows say; None: everybody's, always there."""
        ...

    def told(self, parts: Sequence[tuple[Estimator, pl.DataFrame]]) -> Told:
        """Rows of one window, those of each version with its estimator."""
        ...


#: Of a window with more rows in a cohort value, so many are read, always the same ones; each stands for its share.
MOST_ROWS = 20_000


def sampled(columns: Sequence[str]) -> str:
    """SQL for `Method.select`: rows one by one, `MOST_ROWS` of a window and cohort value at most."""
    listed = ", ".join(columns)
    return f"""select w, c, v, greatest(1.0, size / {MOST_ROWS}) as n, {listed}
      from (select *, count(*) over (partition by w, c) as size,
              row_number() over (partition by w, c order by hash(prediction_id)) as place from scored)
      where place <= {MOST_ROWS} order by w, c nulls first, v, place"""


def fit_each(enough: Callable[[Group], bool], rows: ReferenceRows) -> dict[str | None, Group]:
    """The groups that carry an estimator of their own: everybody, and the cohort values with rows enough."""
    own = {value: group for value, group in rows.by_value.items() if enough(group)}
    return {None: rows.everybody} | own
