"""Which features, and does the score, move beyond chance in the newest window?"""

from __future__ import annotations

from collections.abc import Iterator

from loop_core.monitor.drift import DriftScore
from loop_core.monitor.finding import Finding, window_text
from loop_core.vocabulary import State

_SAID = {State.OK: "is as usual", State.WATCH: "moved beyond chance", State.ALARM: "drifted"}


def check_drift(scores: list[DriftScore], champion: str | None) -> Iterator[Finding]:
    """A finding per feature, `drift.feature`, and one for the score, `drift.score`.

    Args:
        scores: of the newest window, everybody.
        champion: version that serves, on record with the score's finding.
    """
    for score in scores:
        is_score = score.feature == "score"
        yield Finding(
            code="drift.score" if is_score else "drift.feature",
            stage="drift",
            subject=score.feature,
            state=score.state,
            sentence=_sentence(score),
            value=score.value,
            threshold=score.threshold,
            n=score.n_current,
            window_start=score.window_start,
            window_end=score.window_end,
            model_version=champion if is_score else None,
        )


def _sentence(score: DriftScore) -> str:
    window = (
        f"{window_text(score.window_start, score.window_end)}, n = {score.n_current:,} against {score.n_reference:,}"
    )
    if score.value is None:
        return f"{score.feature}: not enough rows to tell ({window})."
    return f"{score.feature} {_SAID[score.state]}: PSI {score.value:.3f}, a quiet window stays under {score.threshold:.3f} ({window})."
