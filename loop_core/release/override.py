"""Setting a gate aside: by somebody who may, for one scorecard, with a reason that stays on record."""

from __future__ import annotations

from datetime import datetime

from loop_core.compare.overrides import OVERRIDDEN, Override, overridden
from loop_core.compare.scorecard import GateResult, Scorecard
from loop_core.compare.store import load_scorecard
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.ledger import refuse_unseen
from loop_core.people import require_name
from loop_core.release.permission import check_overrider
from loop_core.release.releasing import releasing
from loop_core.release.verbs import about
from loop_core.workspace import Loop


def override(
    loop: Loop, scorecard_id: str, gate: str, *, actor: str, reason: str, as_of: datetime, seen: int | None = None
) -> Override:
    """Let a challenger pass a gate that blocks or holds it. A release still needs somebody else's approval.

    Args:
        loop: the loop.
        scorecard_id: the stored comparison; a new comparison needs a new override.
        gate: name of one of its gates.
        actor: one of the charter's `compare.overriders`, or where it names none the owner.
        reason: what the next review reads; required.
        as_of: UTC instant.
        seen: length of the ledger when the comparison was shown; None: nobody was shown anything.

    Returns:
        The override; the same again (actor and reason too) gives the first one, and nothing is added.

    Raises:
        UnknownNameError: no such scorecard or gate; the message lists them.
        RefusedError: no reason, the gate passed, it was set aside by somebody else or for another reason, or what stands
            around the comparison changed since it was seen.
        PermissionDeniedError: the actor is none of those who may.
    """
    card = load_scorecard(loop, scorecard_id)
    found = _gate(card, gate)
    check_overrider(loop, require_name(actor))
    if not reason.strip():
        raise RefusedError(
            f"{gate} of scorecard {card.id} to be set aside without a reason",
            "why it does not count here, in a sentence",
            "give one with --reason",
        )
    with releasing(loop, as_of) as (tx, entries):
        if as_of < card.as_of:
            raise RefusedError(
                f"As of {as_of:%Y-%m-%d} lies before the comparison ({card.as_of:%Y-%m-%d})",
                "a time at or after it",
                "leave --as-of out, or choose a later one",
            )
        known = overridden(entries, card.id).get(gate)
        if known is not None and (known.actor, known.reason) == (actor, reason.strip()):
            return known
        refuse_unseen(f"scorecard {card.id}", about(entries, card.id, card.challenger), seen)
        if known is not None:
            raise RefusedError(known.sentence.rstrip("."), todo="nothing to do: that stays on record")
        made = tx.append(
            kind=OVERRIDDEN,
            loop=loop.name,
            subject=card.challenger,
            actor=actor,
            as_of=as_of,
            reason=reason.strip(),
            payload={"scorecard": card.id, "gate": gate, "state": found.state, "found": found.sentence},
        )
    return overridden([made], card.id)[gate]


def _gate(card: Scorecard, name: str) -> GateResult:
    """The gate of that name, which must not have passed."""
    gates = {gate.name: gate for gate in card.gates}
    if name not in gates:
        raise UnknownNameError("gate", name, gates)
    if gates[name].state == "passed":
        raise RefusedError(f"{name} passed: {gates[name].sentence}", "a gate that blocks or holds", "leave it as it is")
    return gates[name]
