"""What is known of labels at an instant. Later: annotation, agreement, label quality."""

from loop_core.labels.completeness import CompletenessPoint, completeness
from loop_core.labels.due import DueSpan, due_span, due_until
from loop_core.labels.maturity import known_at, mature_shares, read_at

__all__ = [
    "CompletenessPoint",
    "DueSpan",
    "completeness",
    "due_span",
    "due_until",
    "known_at",
    "mature_shares",
    "read_at",
]
