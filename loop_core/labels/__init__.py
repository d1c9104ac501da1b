"""What is known of labels at an instant. Later: annotation, agreement, label quality."""

from loop_core.labels.completeness import CompletenessPoint, completeness
from loop_core.labels.maturity import known_at, mature_shares, read_at

__all__ = ["CompletenessPoint", "completeness", "known_at", "mature_shares", "read_at"]
