"""Where messages go: `alerts.toml` of the workspace. Not the charter, which is on record for good: addresses hold secrets."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError

from loop_core.alerts.words import Note
from loop_core.charter.part import Name, Part
from loop_core.errors import SourceError, UnknownNameError
from loop_core.monitor.finding import Stage
from loop_core.people import among
from loop_core.texts import read_text
from loop_core.toml import read_toml
from loop_core.workspace import Workspace

FILE = "alerts.toml"
_EXAMPLE = '[chat]\nurl = "json://127.0.0.1:9000/hook"'


class Channel(Part):
    """`[name]` in `alerts.toml`: one receiver, and what it wants to hear. What is left out means all."""

    name: Name
    url: Annotated[str, Field(min_length=1, repr=False)]
    """An apprise address, e.g. `slack://…`, `mailto://…`, `jsons://host/path`."""
    loops: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    severities: tuple[Literal["watch", "alarm"], ...] = ()
    past: bool = False
    """Also hear of loops that replay the past, for trying things out."""

    def wants(self, loop: str, note: Note) -> bool:
        """Whether a message is for this channel."""
        return (
            (not self.loops or loop in self.loops)
            and (not self.owners or among(note.owner, self.owners) is not None)
            and (not self.stages or bool(set(self.stages) & set(note.stages)))
            and (not self.severities or note.severity in self.severities)
        )


def load_channels(ws: Workspace) -> tuple[Channel, ...]:
    """The channels of a workspace; none without the file.

    Raises:
        SourceError: the file is not what it should be. The message never shows an address.
    """
    file = ws.path / FILE
    try:
        raw = read_toml(read_text(file))
    except FileNotFoundError:
        return ()
    except (tomllib.TOMLDecodeError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{FILE} cannot be read ({why})", f"TOML like {_EXAMPLE!r}", f"correct {file}") from None
    return tuple(_channel(name, parts) for name, parts in raw.items())


def channel_named(ws: Workspace, name: str) -> Channel:
    """One channel. UnknownNameError lists the others."""
    channels = {channel.name: channel for channel in load_channels(ws)}
    if name not in channels:
        raise UnknownNameError("channel", name, list(channels))
    return channels[name]


def _channel(name: str, parts: object) -> Channel:
    if not isinstance(parts, dict):
        raise SourceError(f"{FILE}: {name} is no channel", f"a table like {_EXAMPLE!r}", f"write [{name}] and its url")
    try:
        return Channel(name=name, **parts)
    except (ValidationError, TypeError) as error:
        raise SourceError(f"{FILE}: channel {name}: {_told(error)}", _WANTED, "correct it") from None


def _told(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "`name` is the table's own name"
    first = error.errors(include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


_WANTED = (
    "url, and if need be loops, owners, stages"
    f" ({', '.join(get_args(Stage))}), severities (watch, alarm), past (true or false)"
)
