"""What is odd about the rows of a training: said with the model, never dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.retrain.objective import Evaluation, Objective
from loop_core.retrain.suspects import suspect_labels
from loop_core.vocabulary import State, Task
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from loop_core.retrain.training import TrainingSet

#: A single feature that tells the label so well (AUC, or rank correlation of numbers) has probably seen it.
TOO_GOOD = 0.98
#: Share of validation rows that a training row repeats, feature by feature, from which on they prove little.
REPEATED = 0.05
#: Suspect labels that are named.
NAMED = 100


@dataclass(frozen=True)
class Check:
    """One look at the rows of a training."""

    code: str
    """`label_source`, `label_time`, `feature_time`, `leak`, `repeated`, `missing` or `suspects`."""
    state: State
    """`ok`, `watch` (read the sentence), or `not_applicable`."""
    sentence: str
    rows: tuple[str, ...] = ()
    """Prediction ids to look at, at most 100; empty where it is about columns."""


def inspected(loop: Loop, objective: Objective, evaluation: Evaluation | None) -> tuple[Check, ...]:
    """All checks of a training set; those of validation rows only where there are folds.

    Args:
        loop: the loop, at the charter of the training.
        objective: the rows and their folds.
        evaluation: scores of rows that the scoring models had not seen; None: there are none.
    """
    return (*looked_at(loop, objective), suspected(loop, objective, evaluation))


def looked_at(loop: Loop, objective: Objective) -> tuple[Check, ...]:
    """The checks that need no model, before anything is fitted."""
    training = objective.training
    return (
        _sources(loop, training),
        *_times(loop, training),
        _leak(loop, training),
        _repeated(objective),
        _missing(objective),
    )


def _sources(loop: Loop, training: TrainingSet) -> Check:
    """Who said the labels: what was observed may have been overridden by a correction or an annotation."""
    sql = """select coalesce(source, 'observed'), count(*) from labels where prediction_id in (select prediction_id from rows
        where label is not null and due_at <= $as_of and predicted_at >= $start and predicted_at < $end) group by 1 order by 1"""
    reading = read_at(loop, training.as_of, training.snapshot)
    counts: dict[str, int] = dict(reading.rows(sql, start=training.start, end=training.end))
    others = [f"{n:,} by {source}" for source, n in counts.items() if source != "observed"]
    if not others:
        return Check("label_source", State.OK, "Every label is as it was observed.")
    return Check("label_source", State.OK, f"Labels are as observed, but for {', '.join(others)}.")


def _times(loop: Loop, training: TrainingSet) -> Iterator[Check]:
    """Labels known before their prediction, and features that lie in its future."""
    dated = [f.name for f in loop.charter.features if f.type == "timestamp"]
    counts = ", ".join(f"count(*) filter ({quoted(name)} > predicted_at)" for name in dated)
    sql = f"""select count(*) filter (observed_at < predicted_at){", " if counts else ""}{counts} from rows
        where label is not null and due_at <= $as_of and predicted_at >= $start and predicted_at < $end"""
    reading = read_at(loop, training.as_of, training.snapshot)
    early, *future = reading.rows(sql, start=training.start, end=training.end)[0]
    yield (
        Check("label_time", State.WATCH, f"{early:,} labels were known before their prediction: it may have seen them.")
        if early
        else Check("label_time", State.OK, "No label was known before its prediction.")
    )
    late = [f"{name} ({n:,} rows)" for name, n in zip(dated, future, strict=True) if n]
    yield (
        Check(
            "feature_time",
            State.WATCH,
            f"{', '.join(late)} lies after the prediction: fine for a plan or promise, a leak for anything that happened.",
        )
        if late
        else Check("feature_time", State.OK, "No feature lies in the future of its prediction.")
    )


def _leak(loop: Loop, training: TrainingSet) -> Check:
    found = []
    for k, name in enumerate(training.encoding.names):
        told = told_alone(training, k)
        if told >= TOO_GOOD:
            found.append(f"{name} ({told:.3f})")
    if found:
        said = f"{', '.join(found)} alone nearly tells the label: was it known when predicting?"
        return Check("leak", State.WATCH, said)
    return Check("leak", State.OK, "No single feature tells the label by itself.")


def told_alone(training: TrainingSet, feature: int) -> float:
    """How well one feature alone tells the label: the best AUC of a class against the rest, or the rank correlation with a
    number; 0.5 and 0 are chance, 1 is all of it. Categories are ordered by their mean label, where they are few."""
    import numpy as np

    column, y = training.x[:, feature], training.y
    known = np.isfinite(column)
    if known.sum() < 50:
        return 0.0
    column, y = column[known], y[known]
    if feature in training.encoding.categorical:
        codes, places, counts = np.unique(column, return_inverse=True, return_counts=True)
        # Categories of few rows tell their own label without telling anything.
        if len(codes) > len(y) / 50:
            return 0.0
        column = (np.bincount(places, weights=y) / counts)[places]
    ranks = _ranks(column)
    if np.unique(y).size > 30:
        return float(abs(np.corrcoef(ranks, _ranks(y))[0, 1])) if ranks.std() > 0 else 0.0
    return max(_auc(ranks, y == label) for label in np.unique(y))


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.stats import rankdata

    found: npt.NDArray[np.float64] = rankdata(values)
    return found


def _auc(ranks: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    m, n = int(positive.sum()), len(positive)
    if m in (0, n):
        return 0.5
    area = float((ranks[positive].sum() - m * (m + 1) / 2) / (m * (n - m)))
    return max(area, 1 - area)


def _repeated(objective: Objective) -> Check:
    import numpy as np

    if not objective.folds:
        return Check("repeated", State.NOT_APPLICABLE, "No rows were kept for validation.")
    fold, x = objective.folds[-1], np.nan_to_num(objective.training.x, nan=-9.87e300)
    rows = np.ascontiguousarray(x).view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()
    share = float(np.isin(rows[fold.valid_start : fold.valid_stop], rows[: fold.train_stop]).mean())
    if share > REPEATED:
        said = f"{share:.0%} of the newest validation rows repeat a training row in every feature: they prove little."
        return Check("repeated", State.WATCH, said)
    return Check("repeated", State.OK, f"{share:.1%} of the newest validation rows repeat a training row.")


def _missing(objective: Objective) -> Check:
    """Cohort values that the newest validation block has in number, and training has not."""
    import numpy as np

    if not objective.folds:
        return Check("missing", State.NOT_APPLICABLE, "No rows were kept for validation.")
    fold, absent = objective.folds[-1], []
    for name, codes in objective.training.cohorts.items():
        values, counts = np.unique(codes[fold.valid_start : fold.valid_stop], return_counts=True)
        new = values[(counts >= objective.min_rows[name]) & ~np.isin(values, codes[: fold.train_stop])]
        absent += [f"{len(new)} of {name}"] if len(new) else []
    if absent:
        return Check("missing", State.WATCH, f"Cohort values that training has no row of: {', '.join(absent)}.")
    return Check("missing", State.OK, "Every large cohort value of the newest rows is in the training rows.")


def suspected(loop: Loop, objective: Objective, evaluation: Evaluation | None) -> Check:
    """Labels that models which had not seen their rows contradict with confidence."""
    import numpy as np

    if evaluation is None or loop.charter.loop.task is Task.REGRESSION:
        return Check("suspects", State.NOT_APPLICABLE, "Labels cannot be doubted without classes and unseen rows.")
    folds = range(len(evaluation.folds))
    labels = np.concatenate([objective.labels(k) for k in folds])
    places = np.concatenate([np.arange(f.valid_start, f.valid_stop) for f in objective.folds])
    found = suspect_labels(labels, np.concatenate([evaluation.folds[k].scores for k in folds]))
    if not len(found.places):
        return Check("suspects", State.OK, f"None of {len(labels):,} validated labels is confidently contradicted.")
    ids = _ids(loop, objective.training, places[found.places[:NAMED]])
    said = (
        f"{len(found.places):,} of {len(labels):,} validated labels are confidently contradicted: worth a second look."
    )
    return Check("suspects", State.WATCH, said, ids)


def _ids(loop: Loop, training: TrainingSet, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Prediction ids at places of the training rows, in the order given."""
    wanted = [int(place) for place in places]
    sql = """select place, prediction_id from (select prediction_id, row_number() over (order by predicted_at, prediction_id) - 1 as place
        from rows where label is not null and due_at <= $as_of and predicted_at >= $start and predicted_at < $end)
        where list_contains($places, place)"""
    reading = read_at(loop, training.as_of, training.snapshot)
    named = dict(reading.rows(sql, start=training.start, end=training.end, places=wanted))
    return tuple(named[place] for place in wanted)
