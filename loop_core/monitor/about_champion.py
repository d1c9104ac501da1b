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
    if len(tenures) < 2:
        yield from findings
        return
    champion, since = tenures[-1]
    for finding in findings:
        yield _about(finding, champion, since)


def _about(finding: Finding, champion: str, since: datetime) -> Finding:
    if finding.stage not in _OF_MODELS or finding.state not in _MEASURED:
        return finding
    if finding.window_start is None or finding.window_end is None or finding.window_start >= since:
        return finding
    versions = set(finding.model_version.split(" + ")) if finding.model_version else set()
    if versions == {champion}:
        return finding
    if not versions and finding.window_end > since:
        return replace(finding, sentence=f"{finding.sentence} {SHARED}")
    note = MIXED if champion in versions else PREVIOUS
    return replace(finding, state=State.PENDING, sentence=f"{finding.sentence} {note}", impact=None)
