"""What to do at once when something critical failed: go back, or do without the model. A retrain takes too long for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loop_core.errors import LoopbenchError
from loop_core.models import manifest_of
from loop_core.triggers.base import Evidence
from loop_core.triggers.urgent import BROKEN
from loop_core.vocabulary import State
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Remedy:
    """The immediate remedy: proposed, never done by itself."""

    verb: Literal["rollback", "fall_back"]
    """`rollback`: an earlier champion serves again. `fall_back`: the callers answer without a model."""
    sentence: str
    to: str | None
    """Version to go back to; None: there is none that would help."""
    command: str
    """What does it, for the shell; empty: it is done at the callers."""


def remedy(loop: Loop, as_of: datetime, failed: Sequence[Evidence]) -> Remedy:
    """The newest earlier champion that was not rolled back from and that what failed does not concern, or else doing
    without a model.

    Args:
        loop: the loop.
        as_of: UTC instant.
        failed: what an urgent trigger rests on.
    """
    broken = {one.subject for one in failed if one.code == BROKEN and one.state is State.ALARM}
    serving, candidates = loop.champion(as_of), loop.predecessors(as_of)
    target = next((version for version in candidates if _helps(loop, version, broken)), None)
    why = f" It does not read {_listed(broken)}." if broken else ""
    if target is not None:
        return Remedy(
            "rollback",
            f"Roll back from {serving} to {target} now; the retrain follows.{why}",
            target,
            f'loop rollback {loop.name} --to {target} --reason "urgent: {_reason(failed)}"',
        )
    earlier = {version for version, _ in loop.tenures(as_of)} - {serving}
    reason = _useless(len(earlier), len(candidates), broken)
    mend = f" and mend the source of {_listed(broken)}" if broken else ""
    return Remedy("fall_back", f"Let the callers fall back to their answer without a model{mend}: {reason}.", None, "")


def _useless(earlier: int, candidates: int, broken: set[str]) -> str:
    """Why none of so many earlier champions helps, of which so many were not rolled back from."""
    if not earlier:
        return "there is no earlier champion"
    whys = ["was rolled back from"] if candidates < earlier else []
    if candidates:
        whys += [f"reads {_listed(broken)} too", "is damaged"] if broken else ["is damaged"]
    return f"every earlier champion {', or '.join(whys)}"


def _helps(loop: Loop, version: str, broken: set[str]) -> bool:
    """Whether a model can serve and reads none of the broken features. Of an external one nothing is known: it is taken to
    serve, and to read them."""
    try:
        manifest = manifest_of(loop, version)
    except LoopbenchError:  # a package that was changed or is gone can serve nobody
        return False
    return not broken or (manifest.kind != "external" and not broken & set(manifest.features))


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _reason(failed: Sequence[Evidence]) -> str:
    return ", ".join(dict.fromkeys(f"{one.code} {one.subject}" for one in failed))
