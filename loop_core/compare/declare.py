"""A confirmed slice becomes a declared cohort: the charter changes, with a reason, and the next comparison gates it."""

from __future__ import annotations

import json
from datetime import datetime

from loop_core.charter import Charter, parse_charter
from loop_core.compare.metrics import words_of
from loop_core.compare.scorecard import Scorecard
from loop_core.compare.slice_result import Slice
from loop_core.compare.store import load_scorecard
from loop_core.errors import CharterError, RefusedError, UnknownNameError
from loop_core.lake import compile_charter
from loop_core.ledger import refuse_unseen
from loop_core.signed import signed_difference
from loop_core.texts import read_text
from loop_core.workspace import Loop

#: The two values of a cohort that was a slice.
INSIDE, OUTSIDE = "inside", "outside"


def declare_slice(
    loop: Loop,
    scorecard_id: str,
    slice_id: str,
    *,
    name: str,
    reason: str,
    actor: str,
    as_of: datetime,
    seen: int | None = None,
) -> Loop:
    """Put a charter in force in which a confirmed slice is a cohort; its comments and layout stay.

    Args:
        loop: the loop.
        scorecard_id: the stored comparison that confirmed the slice.
        slice_id: which of its slices, e.g. `s1`.
        name: of the cohort: small letters, digits and underscores.
        reason: why it is watched from now on; required.
        actor: who changes the charter.
        as_of: UTC instant.
        seen: length of the ledger when the slice was shown; None: nobody was shown anything.

    Returns:
        The loop under the new charter.

    Raises:
        UnknownNameError: no such scorecard or slice; the message lists them.
        RefusedError: no reason; the name or the slice is taken; a column of it was dropped, or it can no longer be evaluated;
            the charter's file holds edits that are not in force; the charter changed since it was seen.
        CharterError: the new charter does not validate, e.g. by its name.
    """
    card = load_scorecard(loop, scorecard_id)
    one = _slice(card, slice_id)
    if not reason.strip():
        raise RefusedError(f"{name} to be declared without a reason", "why it is watched, in a sentence", "give one")
    now = loop.workspace.loop(loop.name)
    refuse_unseen(f"the charter of {loop.name}", loop.entries("charter.changed"), seen)
    _refuse_taken(now.charter, name, one)
    _refuse_dropped(now.charter, one)
    text = _with_cohort(_text_in_force(now), card, one, name, now.charter.compare.slice_min_rows)
    _try_out(text, one)
    return loop.workspace.set_charter(text, actor=actor, reason=reason.strip(), as_of=as_of, seen=seen)


def declared_as(charter: Charter, one: Slice) -> str | None:
    """The cohort that a slice is already; None: it is none.

    A cohort that computes the same by other words is not seen here; the search leaves out slices with just its rows.
    """
    return next((cohort.name for cohort in charter.cohorts if cohort.expression == _expression(one)), None)


def _expression(one: Slice) -> str:
    return f"case when {one.sql} then '{INSIDE}' else '{OUTSIDE}' end"


def _slice(card: Scorecard, slice_id: str) -> Slice:
    found = {one.id: one for one in card.slices}
    if slice_id not in found:
        raise UnknownNameError(f"slice on scorecard {card.id}", slice_id, found)
    return found[slice_id]


def _refuse_taken(charter: Charter, name: str, one: Slice) -> None:
    taken = [*(cohort.name for cohort in charter.cohorts), *(column.name for column in charter.columns)]
    if name in taken:
        kind = "cohort" if name in taken[: len(charter.cohorts)] else "column"
        raise RefusedError(
            f"{name!r} is the name of a {kind}", f"a name other than {', '.join(taken)}", "choose another name"
        )
    if known := declared_as(charter, one):
        raise RefusedError(
            f"This slice is declared already, as cohort {known!r}", "one that is not", "look at it under that name"
        )


def _refuse_dropped(charter: Charter, one: Slice) -> None:
    gone = [column for column in one.columns if column not in {known.name for known in charter.columns}]
    if gone:
        raise RefusedError(
            f"{one.text} needs {', '.join(gone)}, which the charter no longer declares",
            "a slice of its present columns",
            "declare the column again, or compare again and choose among the new slices",
        )


def _text_in_force(loop: Loop) -> str:
    """The charter as people last wrote it. RefusedError where its file says something else than what is in force."""
    recorded: str = loop.entries("charter.changed")[-1].payload["text"]
    file = loop.workspace.charter_file(loop.name)
    if not file.exists():
        return recorded
    try:
        text = read_text(file)
        same = parse_charter(text).hash == loop.charter.hash
    except (CharterError, OSError):
        same = False
    if not same:
        raise RefusedError(
            f"{file} holds edits that are not in force, which would be lost or put in force unasked",
            "a file that says what is in force",
            f'`loop charter apply {file} --reason "…"`, or undo the edits, then declare again',
        )
    return text


def _with_cohort(text: str, card: Scorecard, one: Slice, name: str, min_rows: int) -> str:
    said = f"{words_of(one.metric)} {signed_difference(one.gap)} on {one.n:,} rows for {card.challenger}"
    lines = [
        "",
        f"# {_one_line(f'Slice {one.id} of scorecard {card.id}: {one.text}. {said}.')}",
        "[[cohorts]]",
        f"name = {_quoted(name)}",
        f"expression = {_quoted(_expression(one))}",
        f"min_rows = {min_rows}",
    ]
    found = text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"
    try:
        parse_charter(found)
    except CharterError as error:
        raise CharterError(
            f"With cohort {name!r} the charter does not validate: {error.given}",
            "a name like high_price, and cohorts written as [[cohorts]] tables",
            "choose another name, or correct the charter",
        ) from None
    return found


def _one_line(text: str) -> str:
    # Values of categories are anybody's text, and a comment of TOML takes no control characters.
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for the delete character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _try_out(text: str, one: Slice) -> None:
    """RefusedError where the cohort cannot be computed from the charter's columns."""
    try:
        compile_charter(text)
    except CharterError as error:
        raise RefusedError(
            f"{one.text} can no longer be evaluated ({error.given.rstrip('.')})",
            "an expression over the loop's columns",
            "compare again, and declare a slice of the new scorecard",
        ) from None
