"""Is a retrain worth it: what it will probably gain, how likely it passes, what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from loop_core.compare.estimate import Estimate, Z
from loop_core.compare.forecasts import Forecast, first_comparisons, gained, record_forecast
from loop_core.compare.metrics import Pairs, estimate
from loop_core.compare.scores import score_names, scored_batches
from loop_core.errors import NotReadyError
from loop_core.labels import read_at
from loop_core.models import Calibration, ModelStore, manifest_of, train_end
from loop_core.monitor.groups import scores_of
from loop_core.monitor.shrink import variance_between
from loop_core.monitor.units import Units
from loop_core.retrain import spending, training_set
from loop_core.retrain.fit import UNVALIDATED_ROUNDS, fit
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.space import inside, ranges_of
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import numpy.typing as npt

    from loop_core.retrain.objective import Objective

#: Past retrains from which on they say what is to be expected of the next.
MIN_PAST = 3


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
        IntegrityError: the champion's files were changed or are gone.
    """
    champion = loop.champion(as_of)
    if champion is None:
        raise NotReadyError(
            f"{loop.name} has no champion as of {as_of:%Y-%m-%d}", "a model to be better than", "start with a first one"
        )
    metric = loop.charter.metrics[0]
    objective = objective_of(loop, training_set(loop, as_of), seed)
    fitted, past = _quick(loop, objective, champion, metric.name), _past(loop, as_of)
    quick = fitted if isinstance(fitted, Estimate) else None
    if quick is None and len(past) < MIN_PAST:
        raise NotReadyError(
            f"There is nothing a forecast could rest on: {fitted}, and under three retrains were compared",
            "a champion older than the newest tuning block, or three compared retrains",
            "launch and see; or wait for labels, where they are what is missing",
        )
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
        seconds=usual_seconds(loop, as_of),
        quick=quick.difference if quick else None,
        quick_se=quick.se if quick else None,
        n=quick.n if quick else 0,
        past=len(past) if len(past) >= MIN_PAST else 0,
    )
    if actor is not None:
        record_forecast(loop, made, actor)
    return made


def _quick(loop: Loop, objective: Objective, champion: str, metric: str) -> Estimate | str:
    """The champion against a model of its parameters, on the newest validation block; or why there is none."""
    if not objective.folds:
        return "the span is too short to keep rows from a quick fit"
    fold, training = objective.folds[-1], objective.training
    end = train_end(loop, champion)
    if end is None:
        return "until when the champion was trained is not known"
    if end > datetime.fromtimestamp(int(training.at[fold.valid_start]) / 1e6, UTC):
        return "the champion has seen the newest rows"
    pairs = _pairs(loop, objective, champion, _quick_scores(loop, objective, champion))
    found = estimate(metric, pairs) if pairs is not None else None
    return found if isinstance(found, Estimate) else "the champion answered too few of the newest rows"


def _quick_scores(loop: Loop, objective: Objective, champion: str) -> npt.NDArray[np.float64]:
    """(n_valid,) what a model made as the champion was would say of the newest validation block. Neither its number of trees
    nor its calibration is chosen by these rows, or it would have seen them."""
    import lightgbm as lgb

    fold, training, manifest = objective.folds[-1], objective.training, manifest_of(loop, champion)
    params = {**objective.fixed, **inside(manifest.params, ranges_of(loop.charter))}
    text = fit(training.oldest(fold.train_stop), params, manifest.params.get("num_iterations", UNVALIDATED_ROUNDS))
    raw = lgb.Booster(model_str=text).predict(training.x[fold.valid_start : fold.valid_stop], num_threads=1)
    calibration = (
        Calibration() if manifest.kind == "external" else ModelStore(loop.workspace).load(champion).calibration
    )
    return calibration.apply(np.asarray(raw, dtype=np.float64))


def _pairs(loop: Loop, objective: Objective, champion: str, quick: Any) -> Pairs | None:
    """Rows of the newest validation block with both scores."""
    import polars as pl

    training, fold = objective.training, objective.folds[-1]
    first, last = (
        datetime.fromtimestamp(int(training.at[place]) / 1e6, UTC) for place in (fold.valid_start, fold.valid_stop - 1)
    )
    reading = read_at(loop, training.as_of, training.snapshot, since=first)
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


def _past(loop: Loop, as_of: datetime) -> list[tuple[float, float]]:
    """(gain, its standard error) of each earlier retrain in the first metric."""
    metric = loop.charter.metrics[0].name
    cells = [gained(loop, entry, metric) for entry in first_comparisons(loop, as_of).values()]
    return [(cell.difference, cell.se) for cell in cells if cell and cell.difference is not None and cell.se]


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
    if not past:
        assert quick is not None, "one of the two is there"
        return quick.difference, quick.se
    before = _random_effects(past)
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


def usual_seconds(loop: Loop, as_of: datetime) -> float:
    """Wall clock of the median retrain; of the first one, what the charter grants it."""
    took = [one.seconds for one in spending(loop, as_of, since=datetime(1970, 1, 1, tzinfo=UTC)) if one.version]
    return float(np.median(took)) if took else loop.charter.retrain.seconds


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
