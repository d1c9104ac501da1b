"""Every finding code there is, and the words that stand for it. Each has a playbook, `data/playbooks/<code>.md`."""

from __future__ import annotations

#: Code → what happened, in words; `{subject}` is the finding's subject. Codes are stable: charters and playbooks name them.
CODES: dict[str, str] = {
    "signals.volume": "unusual volume of {subject}",
    "signals.freshness": "stale {subject}",
    "signals.anomaly": "unusual batch of {subject}",
    "quality.quarantine": "many {subject} in quarantine",
    "quality.broken_feature": "broken feature {subject}",
    "drift.feature": "drift of {subject}",
    "drift.score": "drift of the model's score",
    "performance.log_loss": "worse log loss",
    "performance.brier": "worse Brier score",
    "performance.auc": "worse AUC",
    "performance.accuracy": "worse accuracy",
    "performance.mae": "larger absolute error",
    "performance.mse": "larger squared error",
    "performance.rmse": "larger root squared error",
    "feedback.rating": "falling ratings",
    "feedback.low_share": "many low ratings",
    "service.latency": "slow answers",
    "service.errors": "failing answers",
    "service.model": "damaged champion {subject}",
    "service.confidence": "unusual confidence of the model",
}


def words(code: str, subject: str) -> str:
    """A finding in a few words, without numbers; an unknown code stands for itself.

    >>> words("drift.feature", "price")
    'drift of price'
    """
    return CODES.get(code, f"{code} ({{subject}})").format(subject=subject)
