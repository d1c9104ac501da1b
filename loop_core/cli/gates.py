"""`loop gates suggest`: rules for the gates, proposed from the reference period."""

from __future__ import annotations

from typing import Annotated

import typer

from loop_core.charter.parse import read_charter_file
from loop_core.cli.console import say, say_document, show
from loop_core.cli.here import AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption
from loop_core.clock import instant
from loop_core.errors import RefusedError

gates_app = typer.Typer(help="What a batch must pass before it enters the lake.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(gates_app, name="gates")


@gates_app.command("suggest")
@on_loop(AS_OF)
def suggest(
    here: Here,
    since: Annotated[str | None, typer.Option(help="First day of the reference; default: the monitor's.")] = None,
    until: Annotated[str | None, typer.Option(help="Its end, exclusive.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write them into the charter's file, to be applied by you.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Propose row and batch rules that the reference period keeps, as TOML, with the evidence for each."""
    from loop_core.gates.suggest import suggest_gates, with_suggestions
    from loop_core.lake import compile_charter
    from loop_core.monitor.profiles.reference import reference_span

    if (since is None) != (until is None):
        raise RefusedError(
            "Only one end of the reference was given", "--since and --until, or neither", "add the other"
        )
    span = (instant(since), instant(until)) if since and until else reference_span(here.loop, here.as_of)
    found = suggest_gates(here.loop, here.as_of, span=span)
    if as_json:
        show(found, True)
    else:
        say_document(found.toml)
    file = here.loop.workspace.charter_file(here.name)
    if not write:
        if not as_json:
            say(f"Next: paste what you want into {file}, or all of it with --write")
        return
    text = with_suggestions(read_charter_file(file), found)
    compile_charter(text, str(file))
    draft = file.with_suffix(".toml.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    if not as_json:
        say(
            f'{len(found.rules)} rules written to {file}. Next: look at them, then `loop charter apply {file} --reason "…"`'
        )
