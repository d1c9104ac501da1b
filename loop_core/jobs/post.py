"""The worker's postman: sends what waits in the outbox, beside the jobs, so that a long retrain holds up no alert."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from loop_core.alerts import tend
from loop_core.characters import one_line
from loop_core.clock import now
from loop_core.workspace import Workspace

log = logging.getLogger(__name__)
#: Seconds between two rounds.
ROUND_SECONDS = 15.0


@contextmanager
def postman(ws: Workspace, every: float = ROUND_SECONDS) -> Iterator[None]:
    """A round now and then while the block is open. The last one may be cut short: what it claimed is settled later."""
    done = threading.Event()
    thread = threading.Thread(target=_rounds, args=(ws, done, every), name="postman", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        # An answer may take long; the job that ends the worker does not wait for it.
        thread.join(timeout=1.0)


def _rounds(ws: Workspace, done: threading.Event, every: float) -> None:
    while not done.is_set():
        try:
            tend(ws, now=now())
        except Exception as error:
            # A broken alerts.toml or storage that is away for a minute: messages wait for the next round.
            log.warning("messages were not sent: %s", one_line(str(error)))
        done.wait(every)
