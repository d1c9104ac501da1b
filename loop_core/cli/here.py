"""Where a command about one loop stands: its workspace, loop, moment and actor, from the options they all share."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import typer

from loop_core.cli.console import say
from loop_core.cli.options import ActorOption, AsOfOption, LoopArgument, WorkspaceOption, actor_or_me, moment, opened
from loop_core.errors import RefusedError

if TYPE_CHECKING:
    from loop_core.workspace import Loop

P = ParamSpec("P")


def _option(name: str, kind: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)


_LOOP = _option("loop", LoopArgument, inspect.Parameter.empty)
_WORKSPACE = _option("workspace", WorkspaceOption)
#: What a command may share with the others: the moment it looks from, and who is on record for what it does.
AS_OF, ACTOR = _option("as_of", AsOfOption), _option("actor", ActorOption)


class Here:
    """The loop a command works on. The workspace is opened at the first look at `loop`, so that what can be refused
    without it is refused at once."""

    def __init__(self, name: str, folder: Path | None, as_of: str | None = None, actor: str | None = None) -> None:
        self.name = name
        self._folder, self._as_of, self._actor, self._open = folder, as_of, actor, ExitStack()

    @cached_property
    def loop(self) -> Loop:
        """The loop of that name. Raises StorageError or UnknownNameError."""
        return self._open.enter_context(opened(self._folder)).loop(self.name)

    @cached_property
    def as_of(self) -> datetime:
        """The instant asked for, or the loop's present."""
        return moment(self.loop, self._as_of)

    @cached_property
    def actor(self) -> str:
        """Who is on record for what the command does."""
        return actor_or_me(self._actor)

    @property
    def dated(self) -> bool:
        """Whether an instant was asked for."""
        return self._as_of is not None

    def say_when_quiet(self) -> None:
        """Whoever asked for no instant is told where a log of the past ends: the newest windows are empty there."""
        from loop_core.status import long_quiet

        if not self.dated and (sentence := long_quiet(self.loop, self.as_of)):
            say(f"! {sentence}")

    def refuse_when_quiet(self) -> None:
        """Whoever asked for no instant, of a log that ended long ago, is asked which is meant: what is done from now on
        goes on record, about windows without a row.

        Raises:
            RefusedError: nobody is there to ask, or the answer is no.
        """
        from loop_core.status import long_quiet

        sentence = None if self.dated else long_quiet(self.loop, self.as_of)
        if sentence is None:
            return
        if sys.stdin.isatty() and sys.stdout.isatty():
            say(f"! {sentence}")
            if typer.confirm("Go on as of now?"):
                return
        raise RefusedError(sentence, todo=f"say which instant is meant; from now on: --as-of {self.as_of:%Y-%m-%d}")

    def __enter__(self) -> Here:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The workspace is closed."""
        self._open.__exit__(kind, error, trace)


def on_loop(*shared: inspect.Parameter) -> Callable[[Callable[Concatenate[Here, P], None]], Callable[..., None]]:
    """A command about one loop: it is written with a `Here` in front of its own options; the shell sees the loop's
    name there, and the workspace and the `shared` options behind them."""

    def decorate(command: Callable[Concatenate[Here, P], None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(loop: str, workspace: Path | None = None, **options: Any) -> None:
            standing = {option.name: options.pop(option.name, None) for option in shared}
            with Here(loop, workspace, **standing) as here:
                command(here, **options)  # type: ignore[call-arg]  # the rest are the command's own

        # The shell's library reads the signature: the loop, the command's own options by name, then the shared ones.
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        arguments = [_LOOP, *own, _WORKSPACE, *shared]
        called.__signature__ = inspect.Signature(sorted(arguments, key=_optional))  # type: ignore[attr-defined]
        called.__annotations__ = {}
        return called

    return decorate


def _optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty
