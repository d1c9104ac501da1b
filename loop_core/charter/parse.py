"""TOML text → Charter, with errors that name the line, what stands there and what may stand there."""

from __future__ import annotations

import difflib
import errno
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from loop_core.charter.lines import LineIndex
from loop_core.charter.model import Charter
from loop_core.charter.part import BesideError
from loop_core.charter.plans import TriggerFile, TriggerPlan
from loop_core.errors import CharterError
from loop_core.texts import read_text
from loop_core.toml import read_toml

P = TypeVar("P", bound=BaseModel)
#: Largest charter, in characters; one a hundred times as long as the longest of ours.
MAX_CHARACTERS = 1_000_000
#: A place in a charter, as pydantic names it: `("cohorts", 0, "expression")`.
Location = tuple[int | str, ...]
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def load_charter(path: Path) -> Charter:
    """Read and validate `loops/<name>.toml`.

    Raises:
        CharterError: missing, not UTF-8, not TOML, or not a charter; the message lists every problem with its line.
    """
    return parse_charter(read_charter_file(path), str(path))


def read_charter_file(path: Path) -> str:
    """The text of a charter's file. Raises CharterError: missing, not UTF-8, or too large to be one."""
    try:
        return read_text(path, most=4 * MAX_CHARACTERS)
    except FileNotFoundError:
        raise CharterError(
            f"There is no charter at {path}", "a file loops/<name>.toml", "loop init --from FILE drafts one"
        ) from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_long(str(path)) from None
        raise CharterError(
            f"{path} cannot be read ({error.strerror})",
            "a TOML file in UTF-8",
            "name the file itself, and see that you may read it",
        ) from None


def _too_long(where: str) -> CharterError:
    return CharterError(f"{where} is too large for a charter; at most {MAX_CHARACTERS:,} characters are read")


def parse_charter(text: str, where: str = "charter", *, on_record: bool = False) -> Charter:
    """Validate TOML text.

    Args:
        text: of the charter.
        where: names it in messages.
        on_record: it was in force before, and is read as it was: what is asked of people's names since does not count.

    Raises:
        CharterError: as `load_charter` does.
    """
    problems, charter = _validate(text, where, Charter, on_record)
    if charter is None:
        raise CharterError("\n".join(problems), "", "correct these lines; `loop charter check FILE` reads it again")
    return charter


def parse_triggers(text: str, where: str = "policy") -> tuple[TriggerPlan, ...]:
    """Validate TOML text that holds `[[triggers]]` and nothing else. Raises CharterError as `load_charter` does."""
    problems, found = _validate(text, where, TriggerFile)
    if found is None:
        raise CharterError("\n".join(problems), "", "correct these lines")
    return found.triggers


def check_charter(path: Path) -> list[str]:
    """Every problem of a charter file, one line each, in file order; empty: it is valid."""
    try:
        load_charter(path)
    except CharterError as error:
        return error.given.splitlines()
    return []


def _validate(text: str, where: str, model: type[P], on_record: bool = False) -> tuple[list[str], P | None]:
    if len(text) > MAX_CHARACTERS:
        raise _too_long(where)
    try:
        return [], model.model_validate(read_toml(text), context={"on_record": on_record})
    except ValidationError as error:
        # pydantic also calls a list too short when its items failed; the items' own errors say more.
        errors = [e for e in error.errors() if not (e["type"] == "too_short" and e["input"])]
        return by_line(text, where, [(_location(e), _say(e, model)) for e in errors]), None
    except tomllib.TOMLDecodeError as error:
        place = _AT_LINE.search(str(error))
        line = f":{place.group(1)}" if place else ""
        return [f"{where}{line}: not TOML: {short(str(error), 200)}"], None
    except RecursionError:
        return [f"{where}: its tables are nested too deeply"], None


def by_line(text: str, where: str, problems: Sequence[tuple[Location, str]]) -> list[str]:
    """`FILE:LINE: problem` of each, in the order of the file."""
    lines = LineIndex(text)
    return [f"{where}:{line}: {said}" for line, said in sorted((lines.of(place), said) for place, said in problems)]


def short(text: str, most: int = 80) -> str:
    """A text as it is shown in a message: its beginning, where it is long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(value: object) -> str:
    try:
        return short(repr(value))
    except (RecursionError, ValueError):  # an integer may have more digits than Python writes
        return "what stands there"


def _location(error: Any) -> tuple[int | str, ...]:
    """Where the value stands that an error is about."""
    cause = error.get("ctx", {}).get("error")
    return cause.location if isinstance(cause, BesideError) else tuple(error["loc"])


def _say(error: Any, model: type[BaseModel]) -> str:
    location = ".".join(str(part) for part in error["loc"]) or "charter"
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f"{location} is missing; it is required"
    if kind == "extra_forbidden":
        allowed = _allowed_keys(error["loc"][:-1], model)
        close = difflib.get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{location} is not known; {hint}allowed here: {', '.join(allowed)}"
    if kind == "value_error":
        return f"{location}: {context['error']}"
    if kind in ("literal_error", "enum"):
        return f"{location} = {_shown(error['input'])}; allowed: {str(context['expected']).replace(' or ', ', ')}"
    return f"{location} = {_shown(error['input'])}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _allowed_keys(location: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """The keys of the table at a location, by walking the model's annotations."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            inner = _model_in(model.model_fields[part].annotation)
            if inner is not None:
                model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
