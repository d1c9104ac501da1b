"""The append-only, chained record of every decision, and the transactional tables beside it (jobs)."""

from loop_core.ledger.anchors import ANCHOR_FILE, Anchor, given_anchors
from loop_core.ledger.entry import Entry, NewEntry
from loop_core.ledger.key import KEY_FILE
from loop_core.ledger.ledger import Ledger, LedgerTransaction
from loop_core.ledger.precondition import refuse_unseen
from loop_core.ledger.verification import ChainReport, Completeness, Integrity

__all__ = [
    "ANCHOR_FILE",
    "KEY_FILE",
    "Anchor",
    "ChainReport",
    "Completeness",
    "Entry",
    "Integrity",
    "Ledger",
    "LedgerTransaction",
    "NewEntry",
    "given_anchors",
    "refuse_unseen",
]
