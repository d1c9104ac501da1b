"""Findings are about the model that serves: what is about its predecessor says so, and is no alarm of this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from loop_core.monitor.finding import Finding
from loop_core.vocabulary import State

PREVIOUS = "This is about the previous model; the current one has no complete week yet."
MIXED = "This is partly about the previous model; the current one has no complete week yet."
SHARED = "The previous model served for a part of it."
_MEASURED = (State.OK, State.WATCH, State.ALARM)
#: Stages whose findings depend on who answered.
_OF_MODELS = ("performance", "service", "feedback")


def about_champion(findings: Iterable[Finding], tenures: Sequence[tuple[str, datetime]]) -> Iterator[Finding]:
    """The same findings; what was measured of windows that began before the champion serves, and that others scored, is
    `pending`: of the champion itself nothing is known yet.

    How the service ran in the very week in which the champion began is about both, and stays what it is: who is down needs
    help, whoever it was.

    Args:
        findings: of one look.
        tenures: (version, serving since), oldest first.
    """
    for finding in findings:
        yield _about(finding, tenures)


def note_of(window_start: datetime, versions: str | None, tenures: Sequence[tuple[str, datetime]]) -> str:
    """What is to be said of a window by who scored it; empty: it is about the champion.

    Args:
        window_start: its start.
        versions: who scored it, joined by ` + `; None: not known.
        tenures: (version, serving since), oldest first.
    """
    if len(tenures) < 2 or window_start >= tenures[-1][1]:
        return ""
    known = set(versions.split(" + ")) if versions else set()
    if known == {tenures[-1][0]}:
        return ""
    return MIXED if tenures[-1][0] in known else PREVIOUS


def _about(finding: Finding, tenures: Sequence[tuple[str, datetime]]) -> Finding:
    if finding.stage not in _OF_MODELS or finding.state not in _MEASURED or finding.window_start is None:
        return finding
    note = note_of(finding.window_start, finding.model_version, tenures)
    if note and not finding.model_version and finding.window_end and finding.window_end > tenures[-1][1]:
        return replace(finding, sentence=f"{finding.sentence} {SHARED}")
    return (
        replace(finding, state=State.PENDING, sentence=f"{finding.sentence} {note}", impact=None) if note else finding
    )
