"""Where somebody looks: workspace, loop, instant, identity. Kept in the URL, but for the identity."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from app.server import WORKSPACE_VARIABLE
from loop_core.clock import instant, now
from loop_core.errors import StorageError
from loop_core.workspace import Loop, Workspace

T = TypeVar("T")

#: Approves what the first identity proposed, until people can sign in.
SECOND_IDENTITY = "reviewer"


@dataclass(frozen=True)
class View:
    """What every page is about."""

    loop: Loop
    as_of: datetime
    """UTC instant; nothing later is shown."""
    present: datetime
    """The loop's present: where verbs act."""
    actor: str
    presenting: bool
    version: tuple[int, int]
    """(lake snapshot, ledger length): what cached results are good for."""

    @property
    def is_present(self) -> bool:
        """False: somebody looks at the past, where nothing can be changed."""
        return self.as_of == self.present

    @property
    def settled(self) -> datetime:
        """`as_of` for cached results: on the wall clock, the last full minute."""
        return self.as_of.replace(second=0, microsecond=0) if self.loop.charter.loop.clock == "wall" else self.as_of

    @property
    def where(self) -> tuple[object, ...]:
        """What every cached result of the view is remembered under."""
        return (*self.loop.identity, self.version, self.settled.isoformat())


@st.cache_resource(show_spinner="Opening the workspace …")
def _opened(path: str) -> Workspace:
    return Workspace.open(path)


def workspace() -> Workspace:
    """The workspace of this server, opened once. StorageError when the server was started without one."""
    path = os.environ.get(WORKSPACE_VARIABLE)
    if not path:
        raise StorageError(
            f"No workspace: {WORKSPACE_VARIABLE} is not set",
            "its folder",
            "start the app with `loop ui --workspace FOLDER`",
        )
    opened = _opened(str(Path(path).absolute()))
    if opened.is_stale():
        # Sessions that still read the old one go on: it closes with the last of them.
        _opened.clear()
        return _opened(str(Path(path).absolute()))
    return opened


def identities() -> list[str]:
    """Who may act here: the user of this machine, and a second local identity for approvals."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "analyst"
    return [user, SECOND_IDENTITY]


def current() -> View:
    """The view that the pickers chose (see `frame.pickers`)."""
    view = st.session_state.get("view")
    if not isinstance(view, View):
        raise StorageError("This page was opened without a loop", "", "start from the first page")
    return view


def choose(loop: Loop, day: date | None, actor: str, presenting: bool) -> View:
    """Put a view in force for this run of the page. `day` None or the present's: the present."""
    ws = loop.workspace
    present = loop.present(now())
    chosen = present if day is None or day == shown_day(present) else min(present, instant(day))
    view = View(loop, chosen, present, actor, presenting, (ws.lake.snapshot(), ws.ledger.length()))
    st.session_state["view"] = view
    return view


def shown_day(moment: datetime) -> date:
    """The day a picker shows for an instant: midnight belongs to the day that starts."""
    return moment.astimezone(UTC).date()


def compute(view: View, function: Callable[..., T], /, **parameters: Any) -> T:
    """`function(loop, as_of, **parameters)`, remembered until lake or ledger change.

    Results are frozen, so all sessions share one object and nothing is pickled.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    result: T = _computed(name, view.where, tuple(sorted(parameters.items())), function, view)
    return result


@st.cache_resource(show_spinner="Reading …", max_entries=400, ttl=timedelta(hours=12))
def _computed(
    name: str, where: tuple[Any, ...], parameters: tuple[Any, ...], _function: Callable[..., Any], _view: View
) -> Any:
    return _function(_view.loop, _view.settled, **dict(parameters))
