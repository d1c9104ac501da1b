"""The result of a comparison: metric × cohort, the gates, one badge and one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from loop_core.compare.contract_result import ContractResult
from loop_core.compare.fairness_result import FairnessResult, GroupRate
from loop_core.compare.mutation_result import MutationResult
from loop_core.compare.slice_result import Slice
from loop_core.figures import numbers_apart
from loop_core.frames import to_frame, to_json, to_rows
from loop_core.signed import signed_difference
from loop_core.vocabulary import Verdict

if TYPE_CHECKING:
    import polars as pl

GateState = Literal["passed", "blocked", "held"]


@dataclass(frozen=True)
class Cell:
    """One metric in one group. Differences are signed so that up is good for the challenger."""

    metric: str
    """Its name in the charter, e.g. `log_loss`."""
    block: str
    """`goal`, `guardrail` or `signal`, from the charter; `signal` in cohorts that follow the outcome."""
    cohort: str | None
    """Name of the declared cohort; None: everybody."""
    cohort_value: str | None
    """Which of its values; None: everybody."""
    n: int
    """Rows."""
    champion: float | None
    """The champion's value in the metric's own unit; None: not estimable."""
    challenger: float | None
    """The challenger's value; None: not estimable."""
    difference: float | None
    """Gain of the challenger; None: not estimable, see `reason`."""
    ci_low: float | None
    """Lower end of the 95 % interval of the difference."""
    ci_high: float | None
    """Upper end."""
    margin: float
    """Non-inferiority margin: losing less than this counts as not worse."""
    verdict: Verdict
    rows_needed: int | None
    """Further rows (beyond `n`) that decide with 80 % chance; only where `inconclusive`."""
    method: str
    """How the interval was made; empty where there is none."""
    reason: str
    """Why there is no verdict, or why it is softer than its interval; empty otherwise."""
    se: float | None = None
    """Standard error of the difference."""
    shrunk: float | None = None
    """The difference drawn towards the other values of its cohort, the more the less sure it is (random effects); None:
    there are no others to hear."""
    bound_low: float | None = None
    """The difference if rows without label had those worst for the challenger; None: every row has its label, or is left out."""
    bound_high: float | None = None
    """The difference if they had those best for it. The interval reaches beyond both."""
    n_effective: float | None = None
    """Of a weighted sample: as many rows that all count alike would tell as much; None: not weighted."""
    stands_for: float | None = None
    """Predictions that the rows of the group stand for, drawn ones each for 1/probability; None: each row for itself."""
    decided_on: datetime | None = None
    """UTC instant by which the needed rows will have come and be due at the present rate; None: none are needed, or it
    would be more than a year."""

    @property
    def predictions(self) -> float:
        """Predictions that it tells of: what rates a week are told by."""
        return self.n if self.stands_for is None else self.stands_for

    @property
    def who(self) -> str:
        """The group it is about, in words: `everybody`, or cohort and value."""
        return "everybody" if self.cohort is None else f"{self.cohort.replace('_', ' ')} {self.cohort_value}"

    @property
    def from_to(self) -> str:
        """Both models' values, e.g. `0.3412 → 0.3389`; empty: one of them is not estimable."""
        if self.champion is None or self.challenger is None:
            return ""
        return " → ".join(numbers_apart(self.champion, self.challenger, digits=4))

    @property
    def bounds(self) -> str:
        """Between what the difference lies whatever labels are missing, in words; empty: every row has one, or is left out."""
        if self.bound_low is None or self.bound_high is None:
            return ""
        low, high = (signed_difference(end) for end in (self.bound_low, self.bound_high))
        return f"{low} to {high} by the labels that are missing"


@dataclass(frozen=True)
class GateResult:
    """One condition of a release."""

    name: str
    """Short name, e.g. `log_loss overall`."""
    state: GateState
    """`held`: not enough is known yet."""
    sentence: str
    """What was found, with numbers."""
    next_step: str
    """What to do; empty where passed."""


@dataclass(frozen=True)
class Scorecard:
    """Champion against challenger on the same rows that are due, seen by neither before."""

    loop: str
    champion: str | None
    """What it is compared with; None: a first release, nothing served."""
    challenger: str
    as_of: datetime
    """UTC instant; no label known later was used."""
    window_start: datetime
    """First instant of the compared predictions."""
    window_end: datetime
    """Last instant, exclusive."""
    n: int
    """Rows compared."""
    cells: tuple[Cell, ...]
    """Overall first, then cohorts, in the order of the charter."""
    badge: str
    """`Ship`, `Do not ship`, `Ready for review`, `N days left`, `Not decidable within a year`, `Undecided`, `No verdict`,
    `First release` or `No data`."""
    sentence: str
    """Who gains, who loses, by how much, how many a week, how sure."""
    gates: tuple[GateResult, ...]
    charter_hash: str
    snapshot: int
    """Lake snapshot that was read."""
    proof: str
    """Why neither model has seen these rows."""
    notes: tuple[str, ...] = ()
    """What a reader should know: rows left out, …"""
    id: str = ""
    """First 12 hex digits of the content's sha256."""
    days: float | None = None
    """Days between the first and the last compared row: what rates a week are told by; None: not kept when it was stored."""

    slices: tuple[Slice, ...] = ()
    """Slices nobody declared that are confirmed to be worse, the surest first."""
    mutations: tuple[MutationResult, ...] = ()
    """Declared changes of inputs and monotone features, tried on the challenger; one entry says so where none is declared."""
    contract: tuple[ContractResult, ...] = ()
    """What the challenger's callers rely on."""
    fairness: tuple[FairnessResult, ...] = ()
    """Gaps between the groups of protected cohorts; empty: none is declared."""
    fairness_rates: tuple[GroupRate, ...] = ()
    """The rates by group that these rest on."""

    @property
    def weeks(self) -> float:
        """How long the compared rows took to come, in weeks."""
        days = self.days if self.days is not None else (self.window_end - self.window_start).total_seconds() / 86_400
        return max(days, 1 / 24) / 7

    @property
    def further(self) -> dict[str, tuple[Any, ...]]:
        """What was looked at beside metrics: field → its entries; without those that have none."""
        return {name: found for name in _PARTS if name != "gates" and (found := getattr(self, name))}

    def overall(self, metric: str) -> Cell:
        """The cell of a metric over everybody."""
        return next(c for c in self.cells if c.metric == metric and c.cohort is None)

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict per cell."""
        return to_rows(self.cells)

    def to_frame(self) -> pl.DataFrame:
        """(n_cells, n_fields)."""
        return to_frame(self.cells)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        stored: dict[str, Any] = to_json(self)
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scorecard:
        """Read `to_json` back."""
        values = {f.name: stored[f.name] for f in fields(cls) if f.name in stored}
        for name in ("as_of", "window_start", "window_end"):
            values[name] = datetime.fromisoformat(values[name])
        values["cells"] = tuple(map(_cell, stored["cells"]))
        for name, part in _PARTS.items():
            values[name] = tuple(part(**one) for one in stored.get(name, ()))
        values["notes"] = tuple(stored.get("notes", ()))
        return cls(**values)


def _cell(stored: Mapping[str, Any]) -> Cell:
    date = stored.get("decided_on")
    read = {"verdict": Verdict(stored["verdict"]), "decided_on": datetime.fromisoformat(date) if date else None}
    return Cell(**{**stored, **read})


#: Field of a scorecard → what its entries are, for those that are plain.
_PARTS: dict[str, type[Any]] = {
    "slices": Slice,
    "mutations": MutationResult,
    "contract": ContractResult,
    "fairness": FairnessResult,
    "fairness_rates": GroupRate,
    "gates": GateResult,
}
