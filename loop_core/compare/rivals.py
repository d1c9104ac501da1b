"""Several challengers against one baseline, all on the same rows, so that the best of them may be picked after looking."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Metric
from loop_core.compare.badge import badge
from loop_core.compare.cells import all_cells
from loop_core.compare.common_rows import common_rows
from loop_core.compare.estimate import CONFIDENCE, Estimate, NotEstimable, Z
from loop_core.compare.gates import evaluate_gates
from loop_core.compare.groups import Grouping, groupings
from loop_core.compare.metrics import METRICS, Pairs, Terms, estimate
from loop_core.compare.metrics.answers import row_losses
from loop_core.compare.pairing import Judged, left_out, unlabelled_note
from loop_core.compare.rival_result import Comparisons, Rival, Standing
from loop_core.compare.verdict import verdict
from loop_core.errors import NotReadyError, RefusedError
from loop_core.frames import to_json
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.monitor.units import Units
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop

Floats = npt.NDArray[np.float64]
#: More at once tell little and take long.
MOST = 20
#: Draws of the largest of several normal variables; its 95 % point is known to about 0.01 of a standard error.
DRAWS = 20_000


def compare_many(
    loop: Loop,
    challengers: Sequence[str],
    *,
    against: str | None = None,
    as_of: datetime,
    actor: str | None = None,
    seed: int = 0,
) -> Comparisons:
    """Challengers against one baseline on rows that all of them scored and none has seen.

    The intervals of one metric hold for all challengers at once, so picking the best of them is allowed for: they are the
    single ones, widened from 1.96 standard errors to the 95 % point of the largest of the challengers' normal variables,
    with the correlation that their row differences have (Dunnett 1955 for means; by Gaussian multipliers as in
    Chernozhukov, Chetverikov & Kato 2013). Metrics that are no means over rows are widened by Bonferroni's.

    Args:
        loop: the loop.
        challengers: registered versions, at least one, none twice.
        against: the baseline, any registered version; None: the champion.
        as_of: UTC instant; nothing known later is used.
        actor: who asks; the result is then put on record. None: it is not.
        seed: of the draws behind the widening.

    Raises:
        UnknownNameError: a version is not registered.
        NotReadyError: no champion, or no rows that they share.
        RefusedError: no challenger, one twice, the baseline among them, too many, or one trained later than `as_of`.
    """
    baseline = against or loop.champion(as_of)
    if baseline is None:
        raise NotReadyError(
            f"{loop.name} has no champion as of {as_of:%Y-%m-%d}",
            "a model to compare with",
            "name a version with `against`, or look at each alone",
        )
    _check(challengers, baseline)
    snapshot = loop.lake.snapshot()
    names = {f"m{k}": version for k, version in enumerate([baseline, *challengers])}
    rows = common_rows(loop, names, as_of, snapshot=snapshot, sampled=True)
    whole = rows.whole
    scores = {names[name]: found for name, found in whole.scores(loop).items()}
    pairs = {
        v: Pairs(whole.labels, scores[baseline], scores[v], whole.units, whole.weights, whole.due) for v in challengers
    }
    rivals = [one for metric in _metrics(loop.charter) for one in _of_metric(loop.charter, metric, pairs, seed)]
    cohorts = whole.cohorts(loop)
    groups = groupings(loop.charter, cohorts, len(whole.labels))
    judged = Judged(pairs[challengers[0]], cohorts, whole.days)
    unknown = rows.span.unknown
    standings = tuple(_standing(loop, judged, unknown, groups, version, pairs[version]) for version in challengers)
    lead = _lead(loop.charter).name
    found = Comparisons(
        loop=loop.name,
        baseline=baseline,
        as_of=as_of,
        window_start=rows.span.start,
        window_end=rows.span.end,
        n=judged.labelled,
        metric=lead,
        rivals=tuple(sorted(rivals, key=lambda one: list(challengers).index(one.challenger))),
        standings=standings,
        best=_best(lead, rivals, standings),
        proof=rows.span.proof,
        notes=(
            *unlabelled_note(rows.unlabelled, len(rows.labels), loop.charter.labels.never),
            *judged.notes,
            *left_out(rows.unscored, rows.repeated, "one of them"),
        ),
        snapshot=snapshot,
        charter_hash=loop.charter.hash,
        seed=seed,
    )
    if actor:
        _record(loop, found, actor)
    return found


def latest_comparisons(loop: Loop, as_of: datetime) -> Comparisons | None:
    """The newest comparison of several on record; None: there is none."""
    entries = loop.entries("rivals.compared", as_of)
    return Comparisons.from_json(entries[-1].payload) if entries else None


def widening(gaps: Floats, units: Units, seed: int, weights: Floats | None = None) -> float:
    """So many standard errors hold all of k differences at once in 95 of 100 cases.

    Args:
        gaps: (n, k) row contributions to each difference; their mean is it.
        units: which rows belong together.
        seed: of the draws.
        weights: (n,) how many rows each stands for; None: each for itself.

    >>> rng = np.random.default_rng(0)
    >>> one = rng.standard_normal((500, 1))
    >>> widening(np.hstack([one, one]), Units(None, 500), 0) < widening(rng.standard_normal((500, 2)), Units(None, 500), 0)
    True
    """
    centred = gaps - np.average(gaps, axis=0, weights=weights)
    centred = centred if weights is None else weights[:, None] * centred
    sums = np.stack([units.sums(np.ascontiguousarray(column)) for column in centred.T], axis=1)
    spread = np.sqrt((sums**2).sum(axis=0))
    moving = spread > 0
    if not moving.any():
        return Z
    shared = (sums[:, moving] / spread[moving]).T @ (sums[:, moving] / spread[moving])
    values, vectors = np.linalg.eigh(shared)
    normals = np.random.default_rng(seed).standard_normal((DRAWS, int(moving.sum())))
    drawn = normals @ (vectors * np.sqrt(np.clip(values, 0, None))).T
    # Never narrower than one alone, whatever the draws.
    return max(Z, float(np.quantile(np.abs(drawn).max(axis=1), CONFIDENCE)))


def _check(challengers: Sequence[str], baseline: str) -> None:
    twice = sorted({version for version in challengers if list(challengers).count(version) > 1})
    if not challengers or twice or baseline in challengers or len(challengers) > MOST:
        given = "no challenger" if not challengers else ", ".join(challengers)
        raise RefusedError(
            f"{given} against {baseline}", f"one to {MOST} challengers, none twice and none the baseline", "name others"
        )


def _metrics(charter: Charter) -> list[Metric]:
    """Those of scores and labels; latency and size have nothing to do with common rows."""
    return [metric for metric in charter.metrics if metric.name in METRICS]


def _lead(charter: Charter) -> Metric:
    known = _metrics(charter)
    return next((metric for metric in known if metric.block == "goal"), known[0])


def _of_metric(charter: Charter, metric: Metric, pairs: Mapping[str, Pairs], seed: int) -> list[Rival]:
    terms = Terms.of(charter, metric.name)
    found = {version: estimate(metric.name, one, terms) for version, one in pairs.items()}
    estimated = [version for version, one in found.items() if isinstance(one, Estimate)]
    wide, how = Z, "alone"
    if len(estimated) > 1 and metric.name in ROW_LOSSES:
        known = np.flatnonzero(~next(iter(pairs.values())).unlabelled)
        rows = [pairs[version].take(known) for version in estimated]
        gaps = np.stack([_gaps(metric.name, one, terms) for one in rows], axis=1)
        wide, how = widening(gaps, rows[0].units, seed, rows[0].weights), f"the largest of {len(estimated)}"
    elif len(estimated) > 1:
        wide, how = _bonferroni(len(estimated)), f"Bonferroni over {len(estimated)}"
    return [_rival(version, metric, one, wide, how) for version, one in found.items()]


def _gaps(metric: str, pairs: Pairs, terms: Terms) -> Floats:
    """(n,) row contributions to the difference of a mean over rows, or of its root."""
    losses = [row_losses(metric, pairs.labels, scores, terms) for scores in (pairs.champion, pairs.challenger)]
    means = [np.asarray(np.average(loss, weights=pairs.weights)) for loss in losses]
    first, second = (abs(float(of_mean(metric, mean)[1])) * loss for mean, loss in zip(means, losses, strict=True))
    return np.asarray(first - second)


def _bonferroni(k: int) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - (1 - CONFIDENCE) / 2 / k))


def _rival(version: str, metric: Metric, found: Estimate | NotEstimable, wide: float, how: str) -> Rival:
    if isinstance(found, NotEstimable):
        return Rival(
            version, metric.name, found.champion, found.challenger, None, None, None, metric.margin,
            Verdict.NOT_APPLICABLE, "", found.reason,
        )  # fmt: skip
    # The single interval need not be symmetric: each end keeps its own length, times the same factor.
    low = found.difference - (found.difference - found.ci_low) * wide / Z
    high = found.difference + (found.ci_high - found.difference) * wide / Z
    return Rival(
        challenger=version,
        metric=metric.name,
        baseline_value=found.champion,
        value=found.challenger,
        difference=found.difference,
        ci_low=low,
        ci_high=high,
        margin=metric.margin,
        verdict=verdict(low, high, metric.margin),
        method=f"{found.method}, {wide:.2f} standard errors ({how})",
    )


def _standing(
    loop: Loop, rows: Judged, unknown: frozenset[str], groups: Sequence[Grouping], version: str, pairs: Pairs
) -> Standing:
    cells = all_cells(loop.charter, pairs, groups)
    gates = evaluate_gates(loop.charter, cells, rows.labelled, version if version in unknown else None)
    worse = dict.fromkeys(f"{c.cohort} {c.cohort_value}" for c in cells if c.cohort and c.verdict is Verdict.WORSE)
    blocked = any(gate.state == "blocked" for gate in gates)
    return Standing(version, badge(cells, gates, rows.labelled, rows.days), tuple(worse), blocked)


def _best(metric: str, rivals: Sequence[Rival], standings: Sequence[Standing]) -> str | None:
    blocked = {one.challenger for one in standings if one.blocked}
    won = [r for r in rivals if r.metric == metric and r.verdict is Verdict.BETTER and r.challenger not in blocked]
    return max(won, key=lambda one: one.difference or -math.inf).challenger if won else None


def _record(loop: Loop, found: Comparisons, actor: str) -> None:
    payload: dict[str, Any] = to_json(found)
    content = hashlib.sha256(str(sorted(payload.items())).encode()).hexdigest()[:16]
    loop.ledger.append(
        kind="rivals.compared",
        loop=loop.name,
        subject=found.baseline,
        actor=actor,
        as_of=found.as_of,
        reason=found.sentence,
        payload=payload,
        key=f"rivals:{loop.name}:{content}",
    )
