"""What every part of a charter shares: strictness, and the shapes of names and shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from loop_core.errors import RefusedError
from loop_core.people import distinct_people, require_name, same_person

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
#: A class that a model tells: also the tail of a column name.
CLASS_NAME = r"^[a-z0-9][a-z0-9_]{0,49}$"
ClassName = Annotated[str, Field(pattern=CLASS_NAME)]
Share = Annotated[float, Field(ge=0, le=1)]


class BesideError(ValueError):
    """A value that does not fit others of the charter; `location` is where it stands, so that its line can be named."""

    def __init__(self, sentence: str, *location: str) -> None:
        super().__init__(sentence)
        self.location = location


def is_on_record(info: ValidationInfo) -> bool:
    """Whether a charter is read that was in force before: it is read as it was, whatever is asked of new ones."""
    return bool(info.context and info.context.get("on_record"))


def _person(name: str, info: ValidationInfo) -> str:
    try:
        return name if is_on_record(info) else require_name(name)
    except RefusedError as error:
        raise ValueError(str(error).rstrip(".")) from None


def _people(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if not is_on_record(info) and len(distinct_people(names)) < len(names):
        one, other = next((a, b) for k, b in enumerate(names) for a in names[:k] if same_person(a, b))
        raise ValueError(f"{one!r} and {other!r} are the same person; name everybody once")
    return names


Person = Annotated[str, AfterValidator(_person)]
People = Annotated[tuple[Person, ...], AfterValidator(_people)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)
