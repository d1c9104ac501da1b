"""What is known of labels at an instant. Later: annotation, agreement, label quality."""

from loop_core.labels.completeness import CompletenessPoint, completeness
from loop_core.labels.due import DueSpan, due_span, due_until
from loop_core.labels.maturity import known_at, mature_shares, read_at
from loop_core.labels.sampled import Sample, sample_of

__all__ = [
    "CompletenessPoint",
    "DueSpan",
    "Sample",
    "completeness",
    "due_span",
    "due_until",
    "known_at",
    "mature_shares",
    "read_at",
    "sample_of",
]
