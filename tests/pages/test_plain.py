"""Data in Markdown is text: escaped, and kept apart where a browser looks for links and icons after the escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1.element_tree import Block, Element

from app.faults import code, plain
from tests.hostile import fill_hostile
from tests.once import once
from tests.pages.conftest import PAGES, Open, quiet

#: What Streamlit's browser side replaces in text whose escapes are gone already (remark-emoji, GFM autolinks, its icons).
_LATE = re.compile(r":\+1:|:-1:|:[\w-]+:|:material/|https?://|www(?=\.)|[-.\w+]+@[-\w]+\.", re.IGNORECASE)


@pytest.mark.parametrize(
    "value", [":smile:", ":+1:", ":material/home:", "https://x.y/a", "HTTP://x.y", "www.x.y", "a@b.c", "![x](http://x.y)", ":red[x]"]
)  # fmt: skip
def test_nothing_in_data_becomes_a_link_or_an_icon(value: str) -> None:
    shown = re.sub(r"\\(.)", r"\1", plain(value))
    assert not _LATE.search(shown)
    assert shown.replace("\u2060", "") == value


@pytest.mark.parametrize("value", ["credit_card", "São Paulo (small)", "2018-01-01", "65+", "a/b"])
def test_ordinary_values_stay_as_they_are(value: str) -> None:
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [("_x_", r"\_x\_"), ("- x\n# y", r"\- x # y"), ("1. x", r"1\. x"), ("&lt;", r"\&lt;"), ("gnp\u202eexe", r"gnp\\u202eexe"), ("> x", r"\> x"), ("$x$ `y`", r"\$x\$ \`y\`")],
)  # fmt: skip
def test_signs_are_escaped_where_they_mean_something(value: str, shown: str) -> None:
    assert plain(value) == shown


def test_code_holds_whatever_it_is_given() -> None:
    assert (code("a"), code("a``b\n*c*")) == ("` a `", "``` a``b *c* ```")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "calling", fill_hostile)


#: Signs of `tests.hostile.VALUES` that still mean something.
_ALIVE = re.compile(
    r"(?<!\\)(\[x\]|<img|<script|\$x|\*\*b|:red\[x|\[y\])|:material/home|https?://127|^=HYP|\n# h", re.MULTILINE
)
_CODE = re.compile(r"(`+) .*? \1")
#: Fields that a browser shows as they are: values and options of inputs, code, addresses.
_RAW = {
    "options", "value", "default", "raw_values", "placeholder", "id", "user_key", "data", "code_text", "form_id", "url",
    "spec", "datasets", "columns", "arrow_data", "formatted_value", "page", "query_param_key", "element_id", "styler",
}  # fmt: skip


def texts(message: Any) -> Iterator[str]:
    """Every text of a message to the browser that it reads as Markdown."""
    for field, value in message.ListFields():
        if field.name in _RAW and message.DESCRIPTOR.name not in ("ButtonGroup", "Radio"):
            continue
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                yield one
            elif hasattr(one, "ListFields"):
                yield from texts(one)


def messages(node: Any) -> Iterator[Any]:
    if isinstance(node, Element):
        if node.type not in ("code", "json", "text", "arrow_data_frame", "vega_lite_chart", "iframe"):
            yield node.proto
    elif isinstance(node, Block):
        yield from [node.proto] if hasattr(getattr(node, "proto", None), "ListFields") else []
        for child in node.children.values():
            yield from messages(child)


@pytest.mark.parametrize(
    ("page", "more"),
    [
        *((page, more) for page in PAGES for more in ({}, {"present": "true"})),
        *((page, {"cohort": "state"}) for page in ("drift", "performance")),
    ],
)
def test_no_page_takes_data_for_anything_but_text(app: Open, hostile: Path, page: str, more: dict[str, str]) -> None:
    test = app(hostile, page, **more)
    quiet(test)
    seen = [text for message in messages(test._tree) for text in texts(message)]
    assert len(seen) > 3
    assert [text for text in seen if _ALIVE.search(_CODE.sub("", text))] == []
