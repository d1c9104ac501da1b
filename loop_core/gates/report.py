"""What became of a batch, said so that every row is accounted for."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.vocabulary import Delivery


@dataclass(frozen=True)
class RuleCount:
    """How many rows broke one rule; a row may break several."""

    rule: str
    """`column.check`, or the charter's name of the rule."""
    rows: int


@dataclass(frozen=True)
class BatchReport:
    """One delivery and what became of it: accepted + quarantined + refused = received."""

    batch_id: str
    """sha256 over loop, signal and content: the same file is the same batch."""
    loop: str
    signal: Delivery
    source: str
    """File name or database address."""
    received: int
    accepted: int
    """Rows that entered the lake, those that replaced an older content included."""
    quarantined: int
    """Rows that failed a gate; they wait in the quarantine."""
    unchanged: int
    """Rows that the lake already has."""
    conflicting: int
    """Rows whose id the lake has with other content; not written."""
    state: str
    """`ingested`; `already_ingested`: this very content was, nothing changed; `taken_again`: it was, and rows of it that the
    lake lacked entered anew; `stopped`: a batch rule broke, nothing entered."""
    rules: tuple[RuleCount, ...] = ()
    """Broken rules, most rows first."""
    notes: tuple[str, ...] = ()
    """Sentences for people: breached batch rules, ids in conflict, columns not delivered."""
    model_version: str | None = None
    """Of scores: the model that gave them; None: of a signal."""

    @property
    def refused(self) -> int:
        """Rows neither accepted nor quarantined: unchanged, in conflict, or of a stopped batch."""
        return self.received - self.accepted - self.quarantined

    @property
    def sentence(self) -> str:
        """The report in one line."""
        if self.state == "already_ingested":
            return f"{self.source} is in the lake already ({self.received:,} rows); nothing changed."
        if self.state == "taken_again":
            return (
                f"{self.source} is on record, and {self.notes[0]}; the other {self.unchanged:,} rows stay as they are."
            )
        if self.state == "stopped":
            return f"{self.source} was stopped, none of its {self.received:,} rows entered: {'; '.join(self.notes)}"
        counts = f"{self.accepted:,} accepted, {self.quarantined:,} quarantined, {self.unchanged:,} unchanged, {self.conflicting:,} in conflict"
        whose = f" of {self.model_version}" if self.model_version is not None else ""
        return f"{self.received:,} {self.signal.value}{whose} from {self.source}: {counts}."
