"""Forms: inputs and buttons that act on one subject as it is on screen, once, and are empty afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.faults import plain, show
from app.session import View
from loop_core.clock import now
from loop_core.errors import LoopbenchError, panicked
from loop_core.jobs import enqueue
from loop_core.workspace import Loop

_SAID, _FAULT, _ACTS = "said", "fault", "acts"


class Form:
    """What acts on one subject.

    Every key is made of the loop, the identity and the subject: another subject is another form, and what was typed for one
    is never said of the next. A button acts with what it was drawn with, not with what a rerun would make of it, and hands
    the verb the length of the ledger of that moment, so that the core refuses where the screen was out of date.

    Args:
        view: the view that is on screen.
        subject: what is acted on, and every part of its state that the act is decided on.
    """

    def __init__(self, view: View, *subject: object) -> None:
        self.view = view
        self._subject = _digest(view.loop.identity, view.actor, subject)
        self._mark = self._now()

    def key(self, name: str) -> str:
        """The key of an input or button: `approve_p1` → `approve_p1_1f0c22ab`."""
        return f"{name}_{self._mark}"

    def _now(self) -> str:
        """What distinguishes this drawing of the form from those before an act."""
        return _digest(self._subject, st.session_state.get(_ACTS, {}).get(self._subject, 0))

    def act(
        self,
        label: str,
        name: str,
        verb: Callable[..., Any],
        /,
        *arguments: Any,
        fields: dict[str, str] | None = None,
        button: Callable[..., bool] = st.button,
        type: str = "primary",
        disabled: bool = False,
        help: str | None = None,
        icon: str | None = None,
        **named: Any,
    ) -> None:
        """A button that calls `verb(loop, *arguments, actor=, as_of=, seen=, **fields, **named)`, then reruns the page.

        Args:
            label: text of the button; data in it is shown as it is.
            name: of the button.
            verb: a function of loop_core; where it returns a text, that is what the page says afterwards.
            arguments: of the verb.
            fields: its parameter → name of the input of this form whose value it gets, as it is when the button is pressed.
            button: `st.button`, or inside a form `st.form_submit_button`.
            type, disabled, help, icon: as for `st.button`.
            named: further arguments of the verb.
        """
        press = (label, verb, arguments, fields or {}, named)
        button(
            plain(label), key=self.key(name), on_click=self._press, args=press, type=type, disabled=disabled, help=help, icon=icon
        )  # fmt: skip

    def start(
        self, label: str, name: str, kind: str, parameters: Mapping[str, Any], /, *, fields: dict[str, str] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        """A button that queues a job of this loop, as of the present on screen.

        Args:
            label, name: of the button.
            kind: of the job.
            parameters: of the job, known when the button is drawn.
            fields: its further parameters → names of inputs of this form.
            more: as for `act`.
        """
        known = {"as_of": self.view.present.isoformat(), **parameters}
        self.act(label, name, queue, kind, known, fields=fields, **more)

    def _press(
        self,
        label: str,
        verb: Callable[..., Any],
        arguments: Sequence[Any],
        fields: dict[str, str],
        named: dict[str, Any],
    ) -> None:
        if self._mark != self._now():
            # The second click of a double one: the first has acted, and the form was drawn anew.
            return
        view = self.view
        try:
            # The charter in force now says who may; the handle on screen may be older.
            loop = view.loop.workspace.loop(view.loop.name)
            given = {parameter: st.session_state[self.key(name)] for parameter, name in fields.items()}
            result = verb(
                loop, *arguments, actor=view.actor, as_of=loop.present(now()), seen=view.version[1], **given, **named
            )
        except Exception as error:
            st.session_state[_FAULT] = error
            return
        except BaseException as error:
            if not panicked(error):
                raise
            st.session_state[_FAULT] = RuntimeError(str(error))
            return
        acts = st.session_state.setdefault(_ACTS, {})
        acts[self._subject] = acts.get(self._subject, 0) + 1
        said = result if isinstance(result, str) else f"{label}: done, and on record as {view.actor}."
        st.session_state[_SAID] = said


def queue(loop: Loop, kind: str, known: Mapping[str, Any], *, actor: str, seen: int, **given: Any) -> str:
    """Queue a job and say so: the verb behind `Form.start`. What is `known` counts before what is `given`."""
    job = enqueue(loop.workspace, loop.name, kind, {**given, **known}, actor, seen=seen)
    return f"Job {job} is queued; it goes on when this page is closed."


def outcome() -> None:
    """What came of the last press, said once: it stands above the page, because the form may be gone."""
    said, error = st.session_state.pop(_SAID, None), st.session_state.pop(_FAULT, None)
    if said:
        st.toast(plain(said), icon=":material/check:")
    if error is not None:
        show(error)
        if isinstance(error, LoopbenchError):
            st.toast(plain(f"Not done: {error.given}"), icon=":material/error:", duration="long")


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]
