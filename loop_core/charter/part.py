"""What every part of a charter shares: strictness, and the shapes of names and shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from loop_core.errors import RefusedError
from loop_core.people import distinct_people, require_name, same_person

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
#: A class that a model tells: also the tail of a column name.
CLASS_NAME = r"^[a-z0-9][a-z0-9_]{0,49}$"
ClassName = Annotated[str, Field(pattern=CLASS_NAME)]
Share = Annotated[float, Field(ge=0, le=1)]
#: Longest SQL expression, in characters.
EXPRESSION_LENGTH = 2_000


class BesideError(ValueError):
    """A value that does not fit others of the charter; `location` is where it stands, so that its line can be named."""

    def __init__(self, sentence: str, *location: str | int) -> None:
        super().__init__(sentence)
        self.location = location


def added(default: Any, **limits: Any) -> Any:
    """A key that charters did not always have: while it has its default it is no part of the content, so that a charter that
    says nothing of it keeps the hash it has on record."""
    return Field(default=default, exclude_if=lambda value: value == default, **limits)


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


@dataclass(frozen=True)
class Within:
    """How large, either way, a number may be so that what is computed with it stays meaningful."""

    most: float
    why: str
    """Why no more, as the end of a sentence."""
    least: float = 0
    """How near to 0 it may be, unless it is 0."""

    def __call__(self, value: float, info: ValidationInfo) -> float:
        if is_on_record(info):
            return value
        if abs(value) > self.most:
            raise ValueError(f"{_number(value)} is too large; up to {_number(self.most)} is allowed: {self.why}")
        if 0 < abs(value) < self.least:
            raise ValueError(f"{_number(value)} is too small; {_number(self.least)} or more is allowed")
        return value


def _number(value: float) -> str:
    if abs(value) > 1e300 and isinstance(value, int):
        return "a number of hundreds of digits"
    return f"{value:,.0f}" if abs(value) < 1e16 and value == round(value) else f"{value:g}"


DAYS = AfterValidator(Within(3_660, "ten years is longer than any label or window takes", 1e-6))
PAST_DAYS = AfterValidator(Within(36_600, "no log is older than a hundred years", 1e-6))
WINDOW_DAYS = AfterValidator(Within(366, "a window is a year at most"))
WINDOWS = AfterValidator(Within(104, "so many windows are looked back at most"))
ROWS = AfterValidator(Within(1_000_000_000, "no loop has a billion rows to judge at once"))
ITEMS = AfterValidator(Within(10_000, "more is never reached"))
SECONDS = AfterValidator(Within(604_800, "a retrain takes a week at most", 1e-3))
MONTH_SECONDS = AfterValidator(Within(2_678_400, "a month has no more seconds", 1e-3))
QUERY_SECONDS = AfterValidator(Within(86_400, "a query takes a day at most", 1e-3))
MEGABYTES = AfterValidator(Within(10_000_000, "no machine has more than 10 TB"))
MILLISECONDS = AfterValidator(Within(86_400_000, "no answer takes longer than a day", 1e-6))
WEIGHT = AfterValidator(Within(1_000_000, "beside it all else counts nothing", 1e-6))
#: Metrics, costs and differences in units of their own.
AMOUNT = AfterValidator(Within(1e12, "beside it no difference is seen", 1e-9))
#: Values of a column.
VALUE = AfterValidator(Within(1e18, "larger numbers lose their digits", 1e-18))


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: object, info: ValidationInfo) -> object:
        if is_on_record(info):
            return value
        annotation = cls.model_fields[info.field_name or ""].annotation
        if _takes(annotation, int, float):
            for one in _single(value):
                if isinstance(one, bool):
                    raise ValueError(f"{str(one).lower()} is not a number")
                if isinstance(one, str) and not _takes(annotation, str):
                    raise ValueError(f"{one[:80]!r} is a text; numbers are written without quotation marks")
        if _has_nul(value):
            raise ValueError("a text has a NUL character, which no database stores; take it out")
        return value


def _single(value: object) -> Iterator[object]:
    """The values of a list, tuple or table, however deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list | tuple):
            waiting.extend(reversed(list(one.values() if isinstance(one, dict) else one)))
        else:
            yield one


def _has_nul(value: object) -> bool:
    return "\0" in value if isinstance(value, str) else isinstance(value, list | tuple) and any(map(_has_nul, value))


def _takes(annotation: object, *kinds: type) -> bool:
    """Whether a value, or one within it, may be of one of these kinds; the keys of a table are none."""
    if annotation in kinds or any(type(annotation) is kind for kind in kinds):  # the latter: of a Literal
        return True
    of = get_args(annotation)
    return any(_takes(one, *kinds) for one in (of[1:] if get_origin(annotation) is dict else of))
