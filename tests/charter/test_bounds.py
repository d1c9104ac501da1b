"""Valid means it works: no number of a charter is larger than what is computed with it, and nothing ends the reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import AfterValidator, BaseModel

import loop_core
from loop_core.charter import Charter, parse_charter
from loop_core.charter.part import Within
from loop_core.charter.space import SearchSpace
from loop_core.errors import CharterError
from tests.conftest import CHARTER

#: Numbers whose ends a validator of their table states.
ELSEWHERE = {f"SearchSpace.{name}" for name in SearchSpace.model_fields}


def numbers(annotation: Any, bounds: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The bounds of every number in an annotation."""
    if annotation in (int, float):
        yield bounds
    inner = getattr(annotation, "__metadata__", ())
    arguments = get_args(annotation)[:1] if inner else get_args(annotation)
    if get_origin(annotation) is not None or arguments:
        for argument in arguments:
            yield from numbers(argument, (*bounds, *inner))


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _models(field.annotation):
            if part is not model:
                yield from tables(part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _bounded(bounds: tuple[Any, ...]) -> bool:
    within = [b for b in bounds if isinstance(b, AfterValidator) and isinstance(b.func, Within)]
    above = [b for b in bounds if getattr(b, "le", None) is not None or getattr(b, "lt", None) is not None]
    flat = [m for b in bounds for m in getattr(b, "metadata", ())]
    return bool(within or above) or any(hasattr(m, "le") or hasattr(m, "lt") for m in flat)


def test_every_number_of_a_charter_is_bounded() -> None:
    open_ended = {
        f"{table.__name__}.{name}"
        for table in set(tables(Charter))
        for name, field in table.model_fields.items()
        for bounds in numbers(field.annotation, tuple(field.metadata))
        if not _bounded(bounds)
    }
    assert open_ended == ELSEWHERE


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("[labels]\nhorizon_days = 60", "horizon_days = {}"),
        ('[[metrics]]\nname = "log_loss"\nmargin = 0.01', "margin = {}"),
        ("min_rows = 50", "min_rows = {}"),
        ("[labels]", "[monitor]\nreference_days = {}\n[labels]"),
        ("[labels]", "[monitor]\nwindow_days = {}\n[labels]"),
        ("[labels]", "[retrain]\ntrials = {}\n[labels]"),
        ("[labels]", "[retrain]\nseconds = {}\n[labels]"),
        ("[labels]", "[costs]\nmiss = 1\nfalse_alarm = {}\n[labels]"),
        ("[labels]", "[queries]\nmemory_mb = {}\n[labels]"),
        ("[labels]", "[gates.predictions]\nmax_age_days = {}\n[labels]"),
        ("[labels]", "[[goals]]\ntext = 'x'\ntarget = {}\n[labels]"),
    ],
)
@pytest.mark.parametrize("number", ["1e308", "1" + "0" * 30, "1" + "0" * 400, "1e400", "nan", "true", '"1e5"'])
def test_a_number_too_large_is_refused_by_line(place: str, line: str, number: str) -> None:
    key = line.split(" = {}")[0].splitlines()[-1]
    new = place.replace(place.splitlines()[-1], "") + line.format(number)
    text = CHARTER.replace(place, new, 1)
    at = next(k for k, found in enumerate(text.splitlines(), 1) if found.startswith(f"{key} = {number}"))
    with pytest.raises(CharterError, match=rf"charter:{at}: .*{key}") as caught:
        parse_charter(text)
    assert len(str(caught.value)) < 400


def test_a_bound_says_what_is_allowed_and_why() -> None:
    with pytest.raises(CharterError, match=r"too large; up to 3,660 is allowed: ten years"):
        parse_charter(CHARTER.replace("= 60", "= 4000"))
    with pytest.raises(CharterError, match=r"too small; 1e-06 or more is allowed"):
        parse_charter(CHARTER.replace("= 60", "= 1e-300"))
    with pytest.raises(CharterError, match=r"never exceeded, because auc lies between 0 and 1"):
        parse_charter(CHARTER + '[[metrics]]\nname = "auc"\nmargin = 2\n')
    with pytest.raises(CharterError, match=r"min = 0 is above max = -1"):
        parse_charter(CHARTER.replace("min = 0\n", "min = 0\nmax = -1\n"))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('[rollout]\nstages = ["0.1", 1.0]', "'0.1' is a text; numbers are written without quotation marks"),
        ('[gates.predictions]\nmax_null_share = {price = "0.5"}', "'0.5' is a text"),
        ("[gates.predictions]\nweekday_rows = {mon = [true, 10]}", "true is not a number"),
    ],
)
def test_a_number_within_a_list_or_table_is_no_text_either(lines: str, says: str) -> None:
    with pytest.raises(CharterError, match=rf"charter:\d+: .*{says}"):
        parse_charter(f"{CHARTER}\n{lines}\n")


def test_a_charter_on_record_is_read_as_it_was() -> None:
    assert parse_charter(CHARTER.replace("= 60", "= 4000"), on_record=True).labels.horizon_days == 4000
    assert parse_charter(CHARTER.replace("= 60", '= "60"'), on_record=True).labels.horizon_days == 60


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CHARTER + "x = " + "[" * 3000 + "]" * 3000, r"charter:\d+: not TOML: Brackets are nested too deeply"),
        (
            CHARTER + "x = " + "{a = " * 3000 + "1" + "}" * 3000,
            r"charter:\d+: not TOML: Brackets are nested too deeply",
        ),
        (CHARTER + "x = " + "[" * 300 + "]" * 300, r"metrics.0.x is not known"),
        (CHARTER.replace('"ana"', "[" * 200 + "]" * 200), r"roles.owner = .*…: input should be a valid string"),
        (CHARTER + ".".join("a" * 3000) + " = 1", r"metrics.0.a is not known"),
        (CHARTER.replace("= 60", "= 1" + "0" * 5000), r"charter:\d+: not TOML: No number has thousands of digits"),
        (CHARTER.replace("= 60", "= 0x" + "F" * 5000), r"horizon_days"),
        (CHARTER.replace("= 60", '= "' + "x" * 500_000 + '"'), r"labels.horizon_days: 'x{80}' is a text"),
        (CHARTER + "margin = 3\n", r"charter:\d+: not TOML: Cannot overwrite"),
        (CHARTER + "# " + "x" * 1_000_000, r"too large for a charter"),
        (CHARTER.replace("Late", "\0"), r"charter:\d+: not TOML"),
        (CHARTER.replace("Late", r"\u0000"), r"charter:\d+: loop.title: a text has a NUL character"),
        (CHARTER.replace('"BA"]', r'"B\u0000"]'), r"charter:\d+: features.2.values: a text has a NUL character"),
    ],
    ids=range(13),
)
def test_a_hostile_file_is_an_error_and_no_more(text: str, says: str) -> None:
    with pytest.raises(CharterError, match=says) as caught:
        parse_charter(text)
    assert len(str(caught.value)) < 1_000


def test_every_toml_file_is_read_by_the_reader_that_nothing_ends() -> None:
    """Charters, recipes, scenarios, settings and channels: deep brackets are an error of the file in each."""
    folder = Path(loop_core.__file__).parent
    direct = {file.name for file in folder.rglob("*.py") if "tomllib.load" in file.read_text()}
    assert direct == {"toml.py"}
