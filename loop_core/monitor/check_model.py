"""Is the champion still the model that was released? Its files, by hash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from loop_core.errors import LoopbenchError
from loop_core.models import manifest_of
from loop_core.monitor.finding import Finding
from loop_core.vocabulary import State
from loop_core.workspace import Loop


def check_model(loop: Loop, as_of: datetime) -> Iterator[Finding]:
    """One finding on the champion's package: an alarm where it is gone, unreadable or changed, because then nobody can be
    answered by it. None where there is no champion, or one that is external and has no package here.

    Args:
        loop: the loop.
        as_of: UTC instant: whose champion. The files are looked at as they are now.
    """
    champion = loop.champion(as_of)
    if champion is None:
        return
    state, sentence = State.OK, f"The files of champion {champion} are those that were registered."
    try:
        if manifest_of(loop, champion).kind == "external":
            return
    except LoopbenchError as error:
        state, sentence = State.ALARM, f"Champion {champion} cannot serve. {error.given}."
    yield Finding("service.model", "service", champion, state, sentence, model_version=champion)
