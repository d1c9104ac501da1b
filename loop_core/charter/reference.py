"""Every key that a charter may have, read off the classes that check it."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from loop_core.charter.model import Charter
from loop_core.charter.part import Within


@dataclass(frozen=True)
class Key:
    """One key of a charter."""

    table: str
    """As it stands in the file: `[labels]`, or `[[features]]` where there may be several; all that have this key."""
    key: str
    takes: str
    """What kind of value, and its limits."""
    default: str
    """`required`, or what holds without the key: `default …`, as TOML, or `optional`."""
    means: str


def charter_keys() -> list[Key]:
    """Every key, in the order of the charter."""
    return list(_keys(Charter, ""))


def _keys(model: type[BaseModel], table: str) -> Iterator[Key]:
    said, alike = _docstrings(model), defaultdict[type[BaseModel], list[str]](list)
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None or inner is model:
            yield Key(table, name, _takes(field), _default(field), said.get(name, ""))
        else:
            path = f"{table.strip('[]')}.{name}".lstrip(".")
            alike[inner].append(f"[[{path}]]" if get_origin(field.annotation) is tuple else f"[{path}]")
    for inner, tables in alike.items():
        yield from (
            replace(key, table=", ".join(tables)) if key.table == tables[0] else key for key in _keys(inner, tables[0])
        )


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Field → the text under it in the source, in one line."""
    (whole,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(whole, ast.ClassDef)
    return {
        field.target.id: _for_a_file(" ".join(text.value.value.split()))
        for field, text in zip(whole.body, whole.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }  # fmt: skip


def _for_a_file(said: str) -> str:
    """A docstring as one says it of a file, in which a key stands or does not.

    >>> _for_a_file("A day. None: every day.")
    'A day. Without it: every day.'
    """
    return re.sub(r"(?<=\. )None:", "Without it:", said).replace("None:", "without it:")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "optional" if value in (None, {}, (), "") else f"default {_toml(value)}"


def _takes(field: FieldInfo) -> str:
    return " ".join(filter(None, [_kind(field.annotation), _limits(field.metadata)]))


def _kind(annotation: Any) -> str:
    """What values an annotation lets in, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return " ".join(filter(None, [_kind(inner[0]), _limits(annotation.__metadata__)]))
    if origin is Literal:
        return " | ".join(map(_toml, inner))
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in inner if one is not NoneType)
    if origin is tuple:
        several = inner[:1] if Ellipsis in inner else inner
        return f"[{', '.join(map(_kind, several))}{', …' if Ellipsis in inner else ''}]"
    if origin is dict:
        return f"{{ {_kind(inner[0])} = {_kind(inner[1])} }}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    if hasattr(annotation, "__members__"):  # an enumeration
        return " | ".join(_toml(one.value) for one in annotation)
    words: dict[Any, str] = {int: "whole number", float: "number", str: "text", bool: "true | false"}
    return words.get(annotation) or str(annotation.__name__)


def _limits(metadata: Any) -> str:
    found = []
    for one in metadata:
        if isinstance(one, FieldInfo):
            found.append(_limits(one.metadata))
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (limit := getattr(one, name, None)) is not None:
                found.append(f"{sign} {limit:g}")
        if isinstance(one, AfterValidator) and isinstance(one.func, Within):
            found.append(f"≤ {one.func.most:g}" if one.func.most > 1e9 else f"≤ {one.func.most:,.0f}")
    return ", ".join(filter(None, found))


def _toml(value: Any) -> str:
    return str(value) if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
