"""The write lock under which every step of a release is checked and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from loop_core.errors import RefusedError
from loop_core.ledger import Entry, LedgerTransaction
from loop_core.workspace import Loop


@contextmanager
def releasing(loop: Loop, as_of: datetime) -> Iterator[tuple[LedgerTransaction, list[Entry]]]:
    """The write lock, and the loop's release entries; time may not run backwards between releases."""
    with loop.ledger.transaction() as tx:
        entries = tx.entries(loop=loop.name, kind="release.")
        if entries and as_of < entries[-1].as_of:
            raise RefusedError(
                f"As of {as_of:%Y-%m-%d %H:%M} lies before the last release step ({entries[-1].as_of:%Y-%m-%d %H:%M})",
                "a time at or after it",
                "leave --as-of out, or choose a later one",
            )
        yield tx, entries
