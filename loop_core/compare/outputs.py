"""Are these the answers a caller relies on: one for each row, finite, probabilities that add up to one."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter
from loop_core.compare.contract_result import ContractState
from loop_core.figures import numbers_apart
from loop_core.lake import Reading, quoted
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

Floats = npt.NDArray[np.float64]
#: Probabilities of several classes add up to one but for rounding: logs often keep six digits.
ROUNDING = 1e-4
#: So many logged answers are looked at, of each table the newest.
_LOGGED = 20_000

_LOG = """
    select {columns} from (
      (select predicted_at as told_at, prediction_id, {columns} from predictions
       where model_version = $version and {said} order by told_at desc, prediction_id limit {most})
      union all
      (select scored_at as told_at, prediction_id, {columns} from scores
       where model_version = $version and {said} and scored_at < $as_of order by told_at desc, prediction_id limit {most}))"""


def judged_outputs(charter: Charter, scores: Floats, rows: int) -> tuple[ContractState, str]:
    """(state, sentence) on a model's answers.

    Args:
        charter: its task and classes say what is expected.
        scores: what the model gave: (n,), of several classes (n, n_classes).
        rows: how many it was asked for.
    """
    classes, numbers = charter.loop.classes, charter.loop.task is Task.REGRESSION
    wanted = (rows, len(classes)) if classes else (rows,)
    if not rows:
        return "unknown", "There are no rows yet to look at its answers."
    if scores.shape != wanted:
        return "broken", f"It answers {rows:,} rows with {_shape(scores.shape)}; callers expect {_shape(wanted)}."
    bad = ~np.isfinite(scores)
    if bad.any():
        return "broken", f"{_rows(bad):,} of {rows:,} answers are no numbers."
    outside = (scores < 0) | (scores > 1)
    if outside.any() and not numbers:
        return "broken", f"{_rows(outside):,} of {rows:,} answers lie outside [0, 1]: {scores[outside][0]:g} is one."
    if classes and (off := np.abs(scores.sum(axis=1) - 1)).max() > ROUNDING:
        return (
            "broken",
            f"{int((off > ROUNDING).sum()):,} of {rows:,} answers do not add up to 1, by up to {off.max():.3g}.",
        )
    if rows > 1 and (scores == scores[0]).all():
        return "watch", f"It says the same of all {rows:,} rows: {np.atleast_1d(scores[0])[0]:.4g}."
    kind = "finite numbers" if numbers else "probabilities"
    least, most = (f"{end:.4g}" for end in (scores.min(), scores.max()))
    if least == most and scores.min() < scores.max():
        least, most = numbers_apart(float(scores.min()), float(scores.max()), digits=4)
    return "ok", f"All of {rows:,} answers are {kind}, from {least} to {most}."


def logged_outputs(loop: Loop, version: str, as_of: datetime, snapshot: int | None = None) -> Floats:
    """(n,) or (n, n_classes): the newest answers of a version that were logged; without any n is 0.

    Args:
        loop: the loop.
        version: registered model.
        as_of: UTC instant; nothing logged later.
        snapshot: lake snapshot to read; None: the newest.
    """
    names = [quoted(name) for name in loop.charter.score_columns]
    said = " and ".join(f"{name} is not null" for name in names)
    sql = _LOG.format(columns=", ".join(names), said=said, most=_LOGGED)
    found = Reading.at(loop.lake, loop.charter, as_of, snapshot).frame(sql, version=version).to_numpy()
    numbers = np.asarray(found, dtype=np.float64).reshape(len(found), len(names))
    return numbers if loop.charter.loop.classes else numbers[:, 0]


def _rows(marked: npt.NDArray[np.bool_]) -> int:
    return int(marked.reshape(len(marked), -1).any(axis=1).sum())


def _shape(shape: tuple[int, ...]) -> str:
    n = f"{shape[0]:,} answers" if shape else "one number"
    return f"{n} of {shape[1]} numbers each" if len(shape) > 1 else n
