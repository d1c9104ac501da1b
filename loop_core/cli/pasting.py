"""Commands in what is said can be pasted: they name the workspace where the one that says it was told of it."""

from __future__ import annotations

import inspect
import re
import shlex
from functools import cache

import typer

from loop_core.cli.options import TYPED


def pasteable(sentence: str) -> str:
    """The sentence with the workspace in each `loop …` command that needs to be told, because this one was.

    An option may stand right behind a command's name, so nothing need be known of where the command ends.
    """
    folder = TYPED.get()
    if folder is None:
        return sentence
    return _commands().sub(lambda found: f"{found[0]} -w {shlex.quote(str(folder))}", sentence)


@cache
def _commands() -> re.Pattern[str]:
    """Finds the commands that take a workspace: `loop status`, `loop quarantine fix`, `loop quarantine fix|replay`."""
    from loop_core.cli import app

    single = "|".join(_taking_a_workspace(app))
    grouped = [
        rf"{group.name} (?:{names})(?:\|(?:{names}))*"
        for group in app.registered_groups
        if group.typer_instance and (names := "|".join(_taking_a_workspace(group.typer_instance)))
    ]
    return re.compile(rf"\bloop (?:{'|'.join(grouped)}|(?:{single}))(?![\w|])(?! -w| .*--workspace)")


def _taking_a_workspace(commands: typer.Typer) -> list[str]:
    return [
        command.name
        for command in commands.registered_commands
        if command.name and command.callback and "workspace" in inspect.signature(command.callback).parameters
    ]
