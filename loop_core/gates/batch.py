"""A batch on its way into the lake: what is known of it before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.charter import BatchRules
from loop_core.gates.loss import Loss
from loop_core.vocabulary import Signal

#: SQL: the batch's staged rows. Needs the parameter `rows`.
STAGED = "read_parquet($rows, hive_partitioning = false)"


@dataclass(frozen=True)
class Batch:
    """What is known of a batch before it is judged."""

    batch_id: str
    signal: Signal
    source: str
    delivered: tuple[str, ...]
    notes: tuple[str, ...]
    actor: str
    as_of: datetime
    rules: BatchRules | None
    """Batch rules; None: rows from the quarantine, which are no delivery."""
    loss: Loss | None = None
    """Why it is taken again, though it is on record; None: it is not, or lacks nothing."""
