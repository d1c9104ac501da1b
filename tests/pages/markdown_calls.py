"""Reads the source of the pages: which values reach a call of Streamlit that reads Markdown, without having been escaped.

A value is safe when it is a literal, a number in a format that only numbers take (`:,`), a name in capitals (a constant), what
`plain` or another function of `SAFE` returned, or is put together of safe values. A parameter of a function that reaches such
a call makes the function such a call: its callers are read in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Call → positions and names of its arguments that are Markdown.
SINKS: dict[str, set[int | str]] = {
    **{name: {0, "body", "help"} for name in ("markdown", "caption", "title", "header", "subheader", "write", "latex")},
    **{name: {0, "body"} for name in ("error", "info", "success", "warning", "toast")},
    **{
        name: {0, "label", "help"}
        for name in (
            "badge", "button", "checkbox", "date_input", "download_button", "expander", "file_uploader", "form_submit_button",
            "link_button", "metric", "multiselect", "number_input", "page_link", "popover", "selectbox", "slider", "status",
            "text_area", "text_input", "toggle",
        )
    },
    **{
        name: {0, 1, "label", "options", "help", "format_func", "captions"}
        for name in ("radio", "segmented_control", "pills")
    },
    "tabs": {0, "tabs"},
    "progress": {1, "text"},
    "dialog": {0, "title"},
    "spinner": {0, "text"},
}  # fmt: skip
#: Functions whose text is safe whatever they are given: they escape it, or give digits and words of the app's own.
SAFE = {"plain", "code", "moment", "counted", "mark_of", "len", "int", "float", "round", "range", "Form", "playbook"}
#: Methods that give back text of what they are called on and with.
_TEXT = {"strip", "lower", "upper", "capitalize", "removesuffix", "removeprefix", "split", "replace", "rstrip", "lstrip", "title"}

Function = ast.FunctionDef | None


class Source:
    """The pages' functions, by name, and what is unsafe in them."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.trees = {file: ast.parse(file.read_text()) for file in files}
        self.functions: dict[str, list[ast.FunctionDef]] = {}
        for tree in self.trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    self.functions.setdefault(node.name, []).append(node)
        self.sinks = {name: set(places) for name, places in SINKS.items()}
        self._open: set[int] = set()

    def faults(self) -> list[str]:
        """Every unsafe value: `file:line: its source`."""
        found: list[str] = []
        before = -1
        while before != sum(map(len, self.sinks.values())):
            before = sum(map(len, self.sinks.values()))
            found = [fault for file, tree in self.trees.items() for fault in self._in(file, tree)]
        return found

    def _in(self, file: Path, tree: ast.Module) -> Iterator[str]:
        for function, call in _calls(tree, None):
            for value in self._arguments(call):
                for part in self._unsafe(value, function):
                    if not self._passed_on(part, function):
                        yield f"{file.name}:{part.lineno}: {ast.unparse(part)}"

    def _arguments(self, call: ast.Call) -> Iterator[ast.expr]:
        name = _name(call.func)
        if name == "title" and not call.args:
            return
        places = self.sinks.get(name, set())
        yield from (value for i, value in enumerate(call.args) if i in places)
        yield from (word.value for word in call.keywords if word.arg in places)

    def _passed_on(self, part: ast.expr, function: Function) -> bool:
        if function is None or not isinstance(part, ast.Name):
            return False
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        keywords = [argument.arg for argument in function.args.kwonlyargs]
        if part.id not in names + keywords:
            return False
        shift = 1 if names[:1] == ["self"] else 0
        place: set[int | str] = {part.id} | ({names.index(part.id) - shift} if part.id in names else set())
        self.sinks.setdefault(function.name, set()).update(place)
        return True

    def _unsafe(self, value: ast.expr, function: Function) -> Iterator[ast.expr]:
        match value:
            case ast.Constant():
                return
            case ast.JoinedStr():
                for part in value.values:
                    if isinstance(part, ast.FormattedValue) and not _numeric(part):
                        yield from self._unsafe(part.value, function)
            case ast.IfExp():
                yield from self._unsafe(value.body, function)
                yield from self._unsafe(value.orelse, function)
            case ast.BoolOp() | ast.List() | ast.Tuple() | ast.Set():
                for one in value.values if isinstance(value, ast.BoolOp) else value.elts:
                    yield from self._unsafe(one, function)
            case ast.BinOp():
                yield from self._unsafe(value.left, function)
                yield from self._unsafe(value.right, function)
            case ast.Starred() | ast.NamedExpr():
                yield from self._unsafe(value.value, function)
            case ast.Lambda():
                yield from self._unsafe(value.body, function)
            case ast.GeneratorExp() | ast.ListComp():
                yield from self._unsafe(value.elt, function)
            case ast.Subscript():
                yield from self._unsafe(value.value, function)
            case ast.Name():
                yield from self._named(value, function)
            case ast.Call():
                yield from self._called(value, function)
            case _:
                yield value

    def _named(self, name: ast.Name, function: Function) -> Iterator[ast.expr]:
        if name.id.lstrip("_").isupper() or name.id in SAFE:
            return
        if name.id in self.functions:
            yield from self._returned(name.id)
            return
        if function is None or id(name) in self._open:
            yield from () if id(name) in self._open else (name,)
            return
        given = [value for target, value in _assigned(function) if target == name.id]
        if not given:
            yield name
        self._open.add(id(name))
        for value in given:
            if value is not name:
                yield from self._unsafe(value, function)
        self._open.discard(id(name))

    def _called(self, call: ast.Call, function: Function) -> Iterator[ast.expr]:
        name = _name(call.func)
        if name in SAFE:
            return
        if name in ("map",) and _name(call.args[0]) in SAFE:
            return
        if name in ("join", "list", "tuple", "sorted", "str", "dict", "fromkeys", "chain", "map") and call.args:
            yield from (part for value in call.args for part in self._unsafe(value, function))
        elif name == "get" and isinstance(call.func, ast.Attribute) and _constant(call.func.value):
            yield from (part for value in call.args[1:] for part in self._unsafe(value, function))
        elif name in _TEXT and isinstance(call.func, ast.Attribute):
            yield from self._unsafe(call.func.value, function)
        elif name in self.functions:
            yield from self._returned(name)
        else:
            yield call

    def _returned(self, name: str) -> Iterator[ast.expr]:
        for function in self.functions[name]:
            if id(function) in self._open:
                continue
            self._open.add(id(function))
            for node in ast.walk(function):
                if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
                    yield from self._unsafe(node.value, function)
            self._open.discard(id(function))


def _calls(node: ast.AST, function: Function) -> Iterator[tuple[Function, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield function, child
        yield from _calls(child, child if isinstance(child, ast.FunctionDef) else function)


def _assigned(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            yield from _pairs(node.target, node.value)
        elif isinstance(node, ast.NamedExpr):
            yield from _pairs(node.target, node.value)
        elif isinstance(node, (ast.For, ast.comprehension)):
            yield from _pairs(node.target, node.iter)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Starred):
        yield from _pairs(target.value, value)
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
        for i, one in enumerate(target.elts):
            yield from _pairs(one, values[i] if values else value)


def _numeric(part: ast.FormattedValue) -> bool:
    """Whether the format is one that a text is refused in."""
    spec = part.format_spec
    text = "".join(str(v.value) for v in spec.values if isinstance(v, ast.Constant)) if isinstance(spec, ast.JoinedStr) else ""
    return any(sign in text for sign in ",%dfgeb")


def _constant(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id.lstrip("_").isupper()


def _name(value: ast.expr) -> str:
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
