"""The time whose rows no model of a comparison has seen and whose labels are due, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import Sample, due_span, due_until, sample_of
from loop_core.models import train_end
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Span:
    """The time between which rows were predicted that neither model has seen and whose labels are due, and why."""

    start: datetime
    """First instant, inclusive."""
    end: datetime
    """Last instant, exclusive: the label horizon of later predictions has not passed, and none was drawn to be labelled."""
    unknown: frozenset[str]
    """Versions that do not say what they were trained on."""
    proof: str
    """One sentence: which training end rules out what."""
    due: datetime | None = None
    """Predictions made before it are due, and of later ones only those count that a random sample drew; None: all are due."""
    sample: Sample | None = None
    """Which of the later ones; None: all are due."""


def unseen_span(
    loop: Loop,
    versions: Sequence[str],
    as_of: datetime,
    since: datetime | None,
    snapshot: int | None = None,
    *,
    sampled: bool = False,
) -> Span:
    """From the latest end of training of them to the newest prediction whose label horizon has passed; with `sampled` to
    the newest up to which a random sample may be used."""
    ends = {version: train_end(loop, version) for version in versions}
    for version, end in ends.items():
        if end is not None and end > as_of:
            raise RefusedError(
                f"{version} was trained on rows up to {end:%Y-%m-%d %H:%M}, and the comparison is as of {as_of:%Y-%m-%d}",
                "a comparison on rows that neither model has seen",
                "compare as of a later date",
            )
        if end is not None and since is not None and end > since:
            raise RefusedError(
                f"{version} was trained on rows up to {end:%Y-%m-%d %H:%M}, and the comparison was to begin on"
                f" {since:%Y-%m-%d}: {_days(end - since)} of it are in its training",
                "rows that neither model has seen",
                f"begin on {end:%Y-%m-%d}, or leave `since` out",
            )
    known = [end for end in (*ends.values(), since) if end is not None]
    proof, unknown = _proof(ends), frozenset(version for version, end in ends.items() if end is None)
    due = due_span(loop, as_of, max(known, default=None), snapshot)
    later = sample_of(loop, as_of, max(known, default=None), snapshot) if sampled else None
    if later is not None:
        limit = due_until(loop.charter, as_of)
        first = due.first or max(known, default=limit)
        return Span(max(known, default=first), later.end, unknown, proof, limit, later)
    if due.first is None:
        raise NotReadyError(
            f"{due.sentence}{due.seen} ({proof})",
            "predictions whose label horizon has passed; labels that come earlier are no fair sample",
            f"compare as of {due.first_due:%Y-%m-%d} or later" if due.first_due else "ingest newer predictions",
        )
    return Span(max(known, default=due.first), due.end, unknown, proof)


def _proof(ends: dict[str, datetime | None]) -> str:
    said = [
        f"{v} saw nothing from {e:%Y-%m-%d} on" if e else f"{v} does not say what it was trained on"
        for v, e in ends.items()
    ]
    return "; ".join(said)


def _days(span: timedelta) -> str:
    days = span.total_seconds() / 86_400
    return f"{days:,.0f} days" if days >= 1.5 else f"{days * 24:,.0f} hours"
