"""What a model gives and what it costs: accuracy, fairness, latency, size and training, side by side for several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from loop_core.compare.alike import valued
from loop_core.compare.service import model_bytes
from loop_core.compare.timing import LOGGED, MEASURED, Timing, logged, measured
from loop_core.frames import to_frame, to_rows
from loop_core.models import ModelStore, manifest_of, registered
from loop_core.retrain import spending
from loop_core.workspace import Loop

#: So many models are looked at where nobody names them: the champion, and the newest.
MOST = 6
#: Rows that each model is timed on, one by one.
ROWS = 200
#: Latencies that differ by less than this share are the clock's noise.
NOISE = 0.1
#: Axis → what it is, in words. On all but the metric less is better.
AXES = {
    "value": "the metric",
    "gap": "the fairness gap",
    "measured": "latency measured here",
    "logged": "latency in the log",
    "model_bytes": "size",
    "training_seconds": "training",
}


@dataclass(frozen=True)
class Candidate:
    """One model."""

    version: str
    kind: str
    """`lightgbm`, or `external`: lives elsewhere."""
    value: float | None
    """The metric on the common rows; None: it has none there."""
    gap: float | None
    """Widest gap between values of the protected cohorts, on the same rows; None: none is protected, or none was measured."""
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_from: str
    """`measured here`, row by row; `logged`, as the service answered; empty: unknown. The two cannot be compared."""
    model_bytes: int | None
    """Of the package; None: it lives elsewhere."""
    training_seconds: float | None
    """Wall clock of the retrain that made it; None: unknown."""
    dominated_by: tuple[str, ...] = ()
    """Models that are no worse on every axis and better on one."""
    unknown: tuple[str, ...] = ()
    """Axes on which something is known of others and nothing of it; it can neither dominate nor be dominated then."""

    def on(self, axis: str) -> float | None:
        """Its place on an axis. Of latencies the median counts: what is slow here is slow because of other programs."""
        if axis in ("measured", "logged"):
            wanted = MEASURED if axis == "measured" else LOGGED
            return self.latency_p50_ms if self.latency_from == wanted else None
        found: float | None = getattr(self, axis)
        return found


@dataclass(frozen=True)
class Tradeoff:
    """Several models, and which of them nothing speaks against. Rests on a clock: never part of a scorecard."""

    loop: str
    as_of: datetime
    """UTC instant; nothing later is known."""
    champion: str | None
    metric: str
    """The charter's first."""
    more_is_better: bool
    """Of the metric's value."""
    n: int
    """Common rows behind the metric; 0: there are none."""
    timed_rows: int
    """Rows that latency was measured on, one by one."""
    candidates: tuple[Candidate, ...]
    """The champion first, then the newest."""
    notes: tuple[str, ...]

    @property
    def front(self) -> tuple[str, ...]:
        """Models that no other dominates."""
        return tuple(one.version for one in self.candidates if not one.dominated_by)

    @property
    def sentence(self) -> str:
        """The result in words."""
        count = len(self.candidates)
        if count == 1:
            return "There is one model, and nothing to trade it against."
        beaten = [one for one in self.candidates if one.dominated_by]
        if not beaten:
            return f"None of {count} models is beaten on everything: each gives something up."
        said = "; ".join(f"{one.version} by {', '.join(one.dominated_by)}" for one in beaten)
        return f"{count - len(beaten)} of {count} models stand; beaten on everything: {said}."

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict per model."""
        return to_rows(self.candidates)

    def to_frame(self) -> Any:
        """(n_models, n_fields)."""
        return to_frame(self.candidates)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Tradeoff:
        """Read `to_json(tradeoff)` back."""
        listed = ("dominated_by", "unknown")
        found = tuple(
            Candidate(**{**one, **{name: tuple(one[name]) for name in listed}}) for one in stored["candidates"]
        )
        as_of = datetime.fromisoformat(stored["as_of"])
        return cls(**{**stored, "as_of": as_of, "candidates": found, "notes": tuple(stored["notes"])})


def tradeoff(
    loop: Loop, as_of: datetime, versions: Sequence[str] | None = None, *, rows: int = ROWS, seed: int = 0
) -> Tradeoff:
    """Accuracy, fairness gap, latency, size and training cost of several models.

    Metric and gap are on rows that all of them scored and none has seen. Latency is measured here, by scoring single rows
    with each package in turn, the same rows for all; of an external model it is what the log says, which is another thing
    and is compared only with other logs. A model dominates another where it is no worse on every axis and better on one;
    where nothing is known of one of the two, neither dominates. Median latencies within 10 % of each other count as equal.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is known.
        versions: registered ones; None: the champion and the newest, six in all.
        rows: that each model is timed on; 0: latency is not measured.
        seed: of the draw of these rows.

    Raises:
        UnknownNameError: a version is not registered.
    """
    champion = loop.champion(as_of)
    named = list(dict.fromkeys(versions)) if versions else named_and_newest(loop, as_of)
    manifests = {version: manifest_of(loop, version) for version in named}
    values = valued(loop, as_of, named)
    times = _times(loop, as_of, [v for v in named if manifests[v].kind != "external"], rows, seed)
    cost = _training(loop, as_of)
    found = []
    for version in named:
        timing = times.get(version) or logged(loop, version, as_of)
        found.append(
            Candidate(
                version=version,
                kind=manifests[version].kind,
                value=values.of(version),
                gap=values.gaps.get(version),
                latency_p50_ms=timing.p50_ms if timing else None,
                latency_p95_ms=timing.p95_ms if timing else None,
                latency_from=timing.source if timing else "",
                model_bytes=model_bytes(loop, version),
                training_seconds=cost.get(version),
            )
        )
    return Tradeoff(
        loop=loop.name,
        as_of=as_of,
        champion=champion,
        metric=values.metric,
        more_is_better=values.more_is_better,
        n=values.n,
        timed_rows=max((one.n for one in times.values()), default=0),
        candidates=judged(found, values.more_is_better),
        notes=values.notes,
    )


def judged(candidates: Sequence[Candidate], more_is_better: bool) -> tuple[Candidate, ...]:
    """The same with who dominates them. An axis on which nothing is known of anybody does not count.

    Args:
        candidates: models.
        more_is_better: of the metric's value.
    """
    axes = [axis for axis in AXES if any(one.on(axis) is not None for one in candidates)]
    return tuple(
        replace(
            one,
            dominated_by=tuple(
                other.version
                for other in candidates
                if other is not one and _dominates(other, one, axes, more_is_better)
            ),
            unknown=tuple(axis for axis in axes if one.on(axis) is None),
        )
        for one in candidates
    )


def _dominates(first: Candidate, second: Candidate, axes: Sequence[str], more_is_better: bool) -> bool:
    better = False
    for axis in axes:
        a, b = first.on(axis), second.on(axis)
        if a is None or b is None:
            return False
        if axis == "value" and more_is_better:
            a, b = -a, -b
        if axis == "measured" and abs(a - b) <= NOISE * max(a, b):
            continue
        if a > b:
            return False
        better = better or a < b
    return better


def named_and_newest(loop: Loop, as_of: datetime, named: Sequence[str] = ()) -> list[str]:
    """The champion, those that are named, and the newest others: at most six, or all of the named."""
    champion = loop.champion(as_of)
    newest = [model.version for model in reversed(registered(loop, as_of))]
    first = list(dict.fromkeys([*([champion] if champion else []), *named]))
    return first + [version for version in newest if version not in first][: max(0, MOST - len(first))]


def _times(loop: Loop, as_of: datetime, versions: Sequence[str], rows: int, seed: int) -> dict[str, Timing]:
    if not versions or rows <= 0:
        return {}
    store = ModelStore(loop.workspace)
    return measured(loop, [store.load(version) for version in versions], as_of, rows=rows, seed=seed)


def _training(loop: Loop, as_of: datetime) -> dict[str, float]:
    took = spending(loop, as_of, since=datetime(1970, 1, 1, tzinfo=UTC))
    return {one.version: one.seconds for one in took if one.version}
