"""Which features, and does the score, move beyond chance in the newest window, and does it matter?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loop_core.figures import numbers_apart
from loop_core.monitor.drift import CohortDrift, DriftScore
from loop_core.monitor.drift.titles import TITLES
from loop_core.monitor.finding import Finding, window_text
from loop_core.vocabulary import State

#: Findings about cohort values, at most: a room that reads more acts on none.
MOST_COHORTS = 3
_SAID = {State.OK: "is as usual", State.WATCH: "moved beyond chance", State.ALARM: "drifted"}


@dataclass(frozen=True)
class Effect:
    """What the newest window does to the loop's first metric, as estimated from the scores alone."""

    metric: str
    now: float
    usual: float
    harm: float
    """The difference, up is bad."""


@dataclass(frozen=True)
class Weighing:
    """What tells whether a drift matters."""

    as_of: datetime
    champion: str | None
    """Version that serves; on record with the score's finding."""
    shares: Mapping[str, float] | None = None
    """Feature → its share of the champion's mean |SHAP|; None: not known, as for an external champion."""
    effect: Effect | None = None
    """None: it cannot be estimated."""

    def share(self, score: DriftScore) -> float | None:
        """Of one feature; the score is what all features make."""
        if self.shares is None:
            return None
        return 1.0 if score.is_answer else self.shares.get(score.feature, 0.0)


def check_drift(scores: Sequence[DriftScore], weighing: Weighing) -> Iterator[Finding]:
    """A finding per feature, `drift.feature`, and one for the score, `drift.score`; what matters most comes first.

    Args:
        scores: of the newest window.
        weighing: what tells whether they matter.
    """
    for score in sorted(scores, key=lambda s: (-drift_that_matters(s, weighing), s.feature, s.cohort_value or "")):
        yield _finding(score, weighing, _sentence(score, weighing), _call(score, weighing.as_of))


def check_cohort_drift(
    drifts: Sequence[CohortDrift], scores: Sequence[DriftScore], weighing: Weighing
) -> Iterator[Finding]:
    """The cohort values in which a feature, or the score, drifted; at most three, those that matter most.

    What drifts for everybody is said of everybody, and not again of its parts. Values that are as usual give no finding;
    those that moved too little to matter come last.

    Args:
        drifts: of the newest window, of cohort values.
        scores: of everybody.
        weighing: what tells whether they matter.
    """
    said = {score.feature for score in scores if score.state is State.ALARM}
    ordered = sorted(
        drifts,
        key=lambda d: (d.score.state is not State.ALARM, -drift_that_matters(d.score, weighing), d.score.feature),
    )
    for drift in [d for d in ordered if d.score.feature not in said][:MOST_COHORTS]:
        others = f" So it did in {drift.others} other cohort values." if drift.others else ""
        call = f'[d for d in cohort_drift(loop, instant("{weighing.as_of.isoformat()}")) if d.score.feature == {drift.score.feature!r}]'
        yield _finding(drift.score, weighing, _sentence(drift.score, weighing) + others, call)


def _finding(score: DriftScore, weighing: Weighing, sentence: str, call: str) -> Finding:
    is_answer, loud = score.is_answer, score.state in (State.WATCH, State.ALARM)
    # What a cohort does to everybody's metric is not what the estimate for everybody says.
    effect = weighing.effect if loud and score.cohort is None else None
    return Finding(
        code="drift.score" if is_answer else "drift.feature",
        stage="drift",
        subject=score.feature,
        state=score.state,
        sentence=sentence,
        value=score.value,
        threshold=score.threshold,
        n=score.n_current,
        window_start=score.window_start,
        window_end=score.window_end,
        model_version=weighing.champion if is_answer else None,
        cohort=score.cohort,
        cohort_value=score.cohort_value,
        impact=effect.harm if effect else None,
        evidence=call,
    )


def drift_that_matters(score: DriftScore, weighing: Weighing) -> float:
    """How far over its threshold, times the feature's share of the model; −1: not judged."""
    if score.value is None or not score.threshold:
        return -1.0
    share = weighing.share(score)
    return score.value / score.threshold * (1.0 if share is None else share)


def _sentence(score: DriftScore, weighing: Weighing) -> str:
    window = (
        f"{window_text(score.window_start, score.window_end)}, n = {score.n_current:,} against {score.n_reference:,}"
    )
    if score.value is None:
        return f"{score.feature} cannot be judged ({window}): {score.reason}"
    title = TITLES[score.method]
    where = f" where {score.cohort} is {score.cohort_value}" if score.cohort else ""
    said = f"{score.feature} {_SAID[score.state]}{where}: {title} {_beside(score, score.value)} ({window})."
    if score.state not in (State.WATCH, State.ALARM):
        return said
    return " ".join([said, *([score.reason] if score.reason else []), *_weight(score, weighing)])


def _beside(score: DriftScore, value: float) -> str:
    """The value, what chance alone gives, and its threshold."""
    chance = score.expected_by_chance
    by_chance = "" if chance is None else f", about {chance:.2g} by chance"
    if score.threshold is None:
        return f"{numbers_apart(value)[0]}{by_chance}"
    now, quiet = numbers_apart(value, score.threshold)
    return f"{now}{by_chance}, a quiet window stays under {quiet}"


def _weight(score: DriftScore, weighing: Weighing) -> Iterator[str]:
    """What a drift means for the model, in sentences."""
    if not score.is_answer:
        share = weighing.share(score)
        yield "How much the model uses it is not known." if share is None else f"It carries {share:.0%} of the model."
    if weighing.effect is not None and score.cohort is None:
        effect = weighing.effect
        now, usual = numbers_apart(effect.now, effect.usual)
        yield f"Estimated {effect.metric.replace('_', ' ')} of the window: {now}, usually {usual}."


def _call(score: DriftScore, as_of: datetime) -> str:
    cohort = f", cohort={score.cohort!r}" if score.cohort else ""
    cell = f"s.feature == {score.feature!r}" + (
        f" and s.cohort_value == {score.cohort_value!r}" if score.cohort else ""
    )
    call = f'drift_scores(loop, instant("{as_of.isoformat()}"), weeks=1{cohort}, method="{score.method}")'
    return f"[s for s in {call} if {cell}]"
