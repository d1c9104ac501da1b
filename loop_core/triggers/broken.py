"""Features that stopped saying anything: null or unseen wholesale, within one window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.monitor import Finding, drift_scores
from loop_core.monitor.drift import DriftScore
from loop_core.triggers.urgent import BROKEN
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: A feature is broken where so much more of it is null, or a value nobody saw before, than in the reference.
WHOLESALE = 0.5
_WORDS = {"missing": "null", "unseen": "a value that the reference never had"}
#: By measure: `missing` or `unseen` → scores of the newest window.
Scores = Callable[[str], Sequence[DriftScore]]


def broken_features(loop: Loop, as_of: datetime, scores: Scores | None = None) -> list[Finding]:
    """For each measure, the findings in alarm; where there is none, the feature that is nearest to it.

    Args:
        loop: the loop.
        as_of: UTC instant; the newest window is looked at.
        scores: reads the drift scores of a measure; None: those of the loop's own reference.
    """
    read = scores or (lambda method: drift_scores(loop, as_of, weeks=1, method=method))
    found: list[Finding] = []
    for method in _WORDS:
        known = [s for s in read(method) if s.value is not None and not s.is_answer and s.cohort is None]
        nulls = _null_shares(loop, as_of) if method == "missing" and _loud(known) else None
        # A column that was null before and is filled now changed as much, and is not broken.
        mended = {feature for feature, share in (nulls or {}).items() if share < WHOLESALE}
        found += _findings(method, [s for s in known if s.feature not in mended], as_of)
    return found


def _loud(scores: Sequence[DriftScore]) -> bool:
    return any((score.value or 0.0) >= WHOLESALE for score in scores)


def _findings(method: str, scores: Sequence[DriftScore], as_of: datetime) -> Iterator[Finding]:
    ordered = sorted(scores, key=lambda s: (-(s.value or 0.0), s.feature))
    broken = [score for score in ordered if (score.value or 0.0) >= WHOLESALE]
    for score in broken or ordered[:1]:
        value = score.value or 0.0
        yield Finding(
            code=BROKEN,
            stage="quality",
            subject=score.feature,
            state=State.ALARM if value >= WHOLESALE else State.OK,
            sentence=f"{score.feature} is {_WORDS[method]} in {value:.0%} more of the rows than in the reference (n = {score.n_current:,}).",
            value=value,
            threshold=WHOLESALE,
            n=score.n_current,
            window_start=score.window_start,
            window_end=score.window_end,
            evidence=f'drift_scores(loop, instant("{as_of.isoformat()}"), weeks=1, method="{method}")',
        )


def _null_shares(loop: Loop, as_of: datetime) -> Mapping[str, float]:
    names = loop.charter.feature_names
    start, _ = Windows.at(as_of, loop.charter.monitor.window_days).span(0)
    shares = ", ".join(f"avg(({quoted(name)} is null)::int)" for name in names)
    row = read_at(loop, as_of, since=start).rows(f"select {shares} from predictions")[0]
    return {name: share or 0.0 for name, share in zip(names, row, strict=True)}
