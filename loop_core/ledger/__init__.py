"""The append-only, hash-chained record of every decision, and the transactional tables beside it (jobs)."""

from loop_core.ledger.entry import Entry, NewEntry, entry_hash
from loop_core.ledger.ledger import ChainReport, Ledger, LedgerTransaction
from loop_core.ledger.precondition import refuse_unseen

__all__ = ["ChainReport", "Entry", "Ledger", "LedgerTransaction", "NewEntry", "entry_hash", "refuse_unseen"]
