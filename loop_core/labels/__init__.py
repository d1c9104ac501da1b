"""What is known of labels at an instant. Later: annotation, agreement, label quality."""

from loop_core.labels.maturity import known_at, mature_shares

__all__ = ["known_at", "mature_shares"]
