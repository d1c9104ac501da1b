"""The time whose rows no model of a comparison has seen, and the proof of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.errors import NotReadyError, RefusedError
from loop_core.labels import mature_shares
from loop_core.models import train_end
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Span:
    """The time between which rows were predicted that neither model has seen, and why."""

    start: datetime
    """First instant, inclusive."""
    end: datetime
    """Last instant, exclusive: later windows still wait for labels."""
    unknown: frozenset[str]
    """Versions that do not say what they were trained on."""
    proof: str
    """One sentence: which training end rules out what."""


def unseen_span(
    loop: Loop, versions: Sequence[str], as_of: datetime, since: datetime | None, snapshot: int | None = None
) -> Span:
    """From the latest end of training of them, to the last window before the labels are still coming in."""
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
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    start = max(known) if known else windows.start(None)
    proof = _proof(ends)
    first, last = _mature_span(loop, as_of, windows, start, snapshot, proof)
    unknown = frozenset(version for version, end in ends.items() if end is None)
    return Span(max(start, first), min(last, as_of), unknown, proof)


def _proof(ends: dict[str, datetime | None]) -> str:
    said = [
        f"{v} saw nothing from {e:%Y-%m-%d} on" if e else f"{v} does not say what it was trained on"
        for v, e in ends.items()
    ]
    return "; ".join(said)


def _mature_span(
    loop: Loop, as_of: datetime, windows: Windows, start: datetime, snapshot: int | None, proof: str
) -> tuple[datetime, datetime]:
    """From the first window with rows to the first whose labels are still coming in, unevenly, and would mislead."""
    needed = loop.charter.labels.min_mature_share
    mature = _mature(loop, as_of, windows, start, snapshot)
    if not mature:
        raise NotReadyError(
            f"No window of predictions from {start:%Y-%m-%d} on is mature as of {as_of:%Y-%m-%d}"
            f"{_overlap(loop, as_of, windows, start, snapshot)} ({proof})",
            f"a window with {needed:.0%} of its labels known, or past their horizon of {loop.charter.labels.horizon_days:g} days",
            "wait for labels, or compare as of a later date",
        )
    return windows.span(mature[0])[0], windows.span(mature[-1])[1]


def _mature(loop: Loop, as_of: datetime, windows: Windows, first: datetime, snapshot: int | None) -> list[int]:
    """The windows from `first` on, up to the first whose labels are still coming in."""
    needed = loop.charter.labels.min_mature_share
    found = mature_shares(loop, as_of, windows, first, snapshot)
    return [window for window, _ in itertools.takewhile(lambda row: row[1] >= needed, found)]


def _overlap(loop: Loop, as_of: datetime, windows: Windows, start: datetime, snapshot: int | None) -> str:
    """What the mature windows have in common with training, where that is all of them."""
    seen = _mature(loop, as_of, windows, windows.start(None), snapshot)
    if not seen:
        return ""
    first, last = windows.span(seen[0])[0], windows.span(seen[-1])[1]
    return f"; the mature ones, {first:%Y-%m-%d} to {min(last, start):%Y-%m-%d}, were seen in training"


def _days(span: timedelta) -> str:
    days = span.total_seconds() / 86_400
    return f"{days:,.0f} days" if days >= 1.5 else f"{days * 24:,.0f} hours"
