"""Is a retrain worth it: what it will probably gain, how likely it passes, what it costs – and how good such forecasts were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from loop_core.compare.estimate import Estimate, Z
from loop_core.compare.metrics import Pairs, estimate
from loop_core.compare.scores import score_names, scored_batches
from loop_core.compare.store import load_scorecard
from loop_core.errors import NotReadyError
from loop_core.frames import to_json
from loop_core.labels import known_at
from loop_core.models import manifest_of, train_end
from loop_core.monitor.groups import scores_of
from loop_core.monitor.shrink import variance_between
from loop_core.monitor.units import Units
from loop_core.retrain import spending, training_set
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.space import inside, ranges_of
from loop_core.workspace import Loop

if TYPE_CHECKING:
    from loop_core.retrain.objective import Objective

#: Past retrains from which on they say what is to be expected of the next.
MIN_PAST = 3


@dataclass(frozen=True)
class Forecast:
    """What the comparison of a challenger trained now is expected to find, before it is trained."""

    loop: str
    as_of: datetime
    """UTC instant; nothing later is known."""
    champion: str
    metric: str
    """The charter's first."""
    expected: float
    """Gain over the champion in the metric's unit, up is good."""
    ci_low: float
    """Where the comparison will find it 95 times in 100 …"""
    ci_high: float
    """… if the newest rows go on as they are."""
    chance: float
    """Chance that the comparison finds it at least not worse within the margin, 0..1."""
    seconds: float
    """What it will probably cost."""
    quick: float | None
    """Gain of a model fitted quickly, by the champion's parameters, on rows that neither saw; None: the champion is too new to
    leave any."""
    quick_se: float | None
    n: int
    """Rows of that."""
    past: int
    """Comparisons of earlier retrains that it also rests on; 0: under three there are."""

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        gain = f"{self.expected:+.4f} {self.metric.replace('_', ' ')} (95 % {self.ci_low:+.4f} to {self.ci_high:+.4f})"
        rests = [f"a quick fit on {self.n:,} rows"] if self.quick is not None else []
        rests += [f"{self.past} earlier retrains"] if self.past else []
        return f"A retrain is expected to gain {gain} and passes with a chance of {self.chance:.0%}; from {' and '.join(rests)}."


@dataclass(frozen=True)
class Outcome:
    """A forecast and what came of it."""

    forecast: Forecast
    version: str
    """The challenger that was trained."""
    found: float
    """Its gain in the comparison."""
    passed: bool
    """Whether that was at least not worse within the margin."""

    @property
    def inside(self) -> bool:
        """Whether it lay within the forecast's interval."""
        return self.forecast.ci_low <= self.found <= self.forecast.ci_high


def forecast(loop: Loop, as_of: datetime, *, seed: int = 0, actor: str | None = None) -> Forecast:
    """What a retrain at `as_of` will probably bring.

    A quick fit (no search) is compared with the champion on the newest rows of tuning, which stay clear of those kept for
    the real comparison; the comparisons of earlier retrains are its prior, as random effects (DerSimonian & Laird 1986).

    Args:
        loop: the loop.
        as_of: UTC instant; no label known later is used.
        seed: of the quick fit.
        actor: who asks; the forecast is then put on record, to be scored later. None: it is not.

    Raises:
        NotReadyError: no champion, nothing to train on, or neither rows nor past that could say anything.
        RefusedError: features or labels no model can learn from.
    """
    champion = loop.champion(as_of)
    if champion is None:
        raise NotReadyError(
            f"{loop.name} has no champion as of {as_of:%Y-%m-%d}", "a model to be better than", "start with a first one"
        )
    metric = loop.charter.metrics[0]
    objective = objective_of(loop, training_set(loop, as_of), seed)
    quick = _quick(loop, objective, champion, metric.name)
    past = [(cell.difference, cell.se) for cell in _past(loop, as_of) if cell.difference is not None and cell.se]
    gain, error = _posterior(quick, past if len(past) >= MIN_PAST else [])
    noise = _comparison_error(quick, [se for _, se in past])
    spread = math.sqrt(error**2 + noise**2)
    made = Forecast(
        loop=loop.name,
        as_of=as_of,
        champion=champion,
        metric=metric.name,
        expected=gain,
        ci_low=gain - Z * spread,
        ci_high=gain + Z * spread,
        chance=_normal((gain - Z * noise + metric.margin) / spread),
        seconds=_cost(loop, as_of),
        quick=quick.difference if quick else None,
        quick_se=quick.se if quick else None,
        n=quick.n if quick else 0,
        past=len(past) if len(past) >= MIN_PAST else 0,
    )
    if actor is not None:
        _record(loop, made, actor)
    return made


def forecast_outcomes(loop: Loop, as_of: datetime) -> list[Outcome]:
    """Forecasts on record whose retrain was compared by `as_of`, oldest first.

    The retrain of a forecast is the one for the same instant, or the next within seven days.
    """
    retrains = loop.entries("retrain.finished", as_of)
    compared = {entry.subject: entry for entry in loop.entries("comparison.made", as_of)}
    found = []
    for entry in loop.entries("retrain.forecast", as_of):
        told = _read(entry.payload)
        after = [r for r in retrains if 0 <= (r.as_of - entry.as_of).total_seconds() <= 7 * 86_400]
        version = next((r.subject for r in after if r.subject in compared), None)
        if version is None:
            continue
        cell = load_scorecard(loop, compared[version].payload["scorecard"]).overall(told.metric)
        if cell.difference is not None and cell.ci_low is not None:
            found.append(Outcome(told, version, cell.difference, cell.ci_low > -cell.margin))
    return found


def _quick(loop: Loop, objective: Objective, champion: str, metric: str) -> Estimate | None:
    """The champion against a model of its parameters, on the newest validation block; None: it may have seen it."""
    if not objective.folds:
        return None
    fold, training = objective.folds[-1], objective.training
    start = datetime.fromtimestamp(int(training.at[fold.valid_start]) / 1e6, UTC)
    end = train_end(loop, champion)
    if end is None or end > start:
        return None
    newest = _newest_fold(objective)
    quick = newest.evaluate(inside(manifest_of(loop, champion).params, ranges_of(loop.charter))).folds[0].scores
    pairs = _pairs(loop, objective, champion, quick)
    found = estimate(metric, pairs) if pairs is not None else None
    return found if isinstance(found, Estimate) else None


def _newest_fold(objective: Objective) -> Objective:
    """The same with its newest fold alone."""
    made = type(objective).__new__(type(objective))
    made.__dict__.update(objective.__getstate__() | {"folds": objective.folds[-1:]})
    return made


def _pairs(loop: Loop, objective: Objective, champion: str, quick: Any) -> Pairs | None:
    """Rows of the newest validation block with both scores."""
    import polars as pl

    training, fold = objective.training, objective.folds[-1]
    first, last = (
        datetime.fromtimestamp(int(training.at[place]) / 1e6, UTC) for place in (fold.valid_start, fold.valid_stop - 1)
    )
    reading = known_at(loop, training.as_of, training.snapshot, since=first)
    where = "label is not null and due_at <= $as_of and predicted_at >= $first and predicted_at <= $last"
    select = (
        "r.predicted_at as when_, r.prediction_id as id_, r.label as label_,"
        " case when r.entity_id is not null then hash(r.entity_id) end as entity_"
    )
    batches = scored_batches(loop, reading, {"champion_": champion}, select, where, first=first, last=last)
    frame = pl.concat(batches).sort("when_", "id_")
    if frame.height != len(quick):
        return None
    names = score_names(loop, "champion_")
    known = frame.select(pl.all_horizontal(pl.col(names).is_not_null())).to_series().to_numpy()
    if not known.any():
        return None
    rows = frame.filter(known)
    units = Units.of(rows["entity_"], rows.height)
    labels = rows["label_"].cast(float).to_numpy()
    return Pairs(labels, scores_of(rows, names), np.asarray(quick, dtype=np.float64)[known], units)


def _past(loop: Loop, as_of: datetime) -> list[Any]:
    """The overall cell of the first metric of each challenger's newest comparison."""
    metric = loop.charter.metrics[0].name
    newest = {entry.subject: entry for entry in loop.entries("comparison.made", as_of)}
    trained = {entry.subject for entry in loop.entries("retrain.finished", as_of)}
    cards = [load_scorecard(loop, e.payload["scorecard"]) for version, e in newest.items() if version in trained]
    return [card.overall(metric) for card in cards if any(cell.metric == metric for cell in card.cells)]


@dataclass(frozen=True)
class _Past:
    """What earlier retrains gained, as random effects."""

    mean: float
    error: float
    """Standard error of the mean."""
    between: float
    """Standard deviation of one retrain's true gain around it: no two periods are the same."""


def _posterior(quick: Estimate | None, past: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(gain, its standard error): the quick fit drawn towards what earlier retrains gained.

    The quick fit is of an earlier block than the comparison, as far from it as two retrains are from one another. Whether
    neighbouring blocks are more alike than that is not known, so the error is as if they were not: it is too wide then,
    never too narrow.
    """
    before = _random_effects(past) if past else None
    if quick is None and before is None:
        raise NotReadyError(
            "There is nothing a forecast could rest on: the champion has seen the newest rows, and under three retrains were compared",
            "a champion older than the newest tuning block, or three compared retrains",
            "wait for labels, or launch and see",
        )
    if before is None:
        assert quick is not None
        return quick.difference, quick.se
    prior = before.between**2 + before.error**2
    if quick is None:
        return before.mean, math.sqrt(prior)
    seen = quick.se**2 + before.between**2
    own = prior / max(prior + seen, 1e-18)
    gain = own * quick.difference + (1 - own) * before.mean
    return gain, math.sqrt(before.between**2 + own**2 * seen + (1 - own) ** 2 * before.error**2)


def _random_effects(past: Sequence[tuple[float, float]]) -> _Past:
    """Source: DerSimonian & Laird 1986."""
    y, variance = np.array([gain for gain, _ in past]), np.array([se for _, se in past]) ** 2
    between = variance_between(y, 1 / variance)
    weights = 1 / (variance + between)
    return _Past(float((weights * y).sum() / weights.sum()), float(weights.sum()) ** -0.5, math.sqrt(between))


def _comparison_error(quick: Estimate | None, past: Sequence[float]) -> float:
    """Standard error that the comparison itself will have."""
    if past:
        return float(np.median(past))
    # The comparison has about as many rows as a validation block: both are as long.
    return quick.se if quick else 0.0


def _cost(loop: Loop, as_of: datetime) -> float:
    took = [one.seconds for one in spending(loop, as_of, since=datetime(1970, 1, 1, tzinfo=UTC)) if one.version]
    return float(np.median(took)) if took else loop.charter.retrain.seconds


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _record(loop: Loop, made: Forecast, actor: str) -> None:
    payload = to_json(replace(made, seconds=loop.charter.retrain.seconds))
    loop.ledger.append(
        kind="retrain.forecast",
        loop=loop.name,
        subject=made.champion,
        actor=actor,
        as_of=made.as_of,
        reason=made.sentence,
        payload=payload,
        key=f"forecast:{loop.name}:{made.as_of.isoformat()}",
    )


def _read(payload: Any) -> Forecast:
    return Forecast(**{**payload, "as_of": datetime.fromisoformat(payload["as_of"])})
