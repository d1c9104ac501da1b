"""What a page shows when something goes wrong: words and a reference, never a stack trace."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from loop_core.characters import visible
from loop_core.errors import LoopbenchError, NotReadyError, panicked

log = logging.getLogger("loopbench.app")

#: Where a browser would still make an icon or a link of escaped text, because it looks for these once escapes are gone:
#: `:smile:`, `:material/x:`, `https://x`, `www.x`, `a@b.c`. An invisible joiner that breaks no line keeps the halves apart.
_JOINTS = re.compile(
    r"(?<=:)(?=material/|[\w+-]+:)|(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@[\w-]+\.)",
    re.IGNORECASE,
)
#: What begins a list, a heading, a rule or a quotation where it stands first.
_FIRST = re.compile(r"^\s*(?:(?=[-+=#|])|\d+(?=[.)](?:\s|$)))")
#: What means something anywhere; an underscore only at the end of a word.
_SIGNS = re.compile(r"[\\`*\[\]<>$~:&]|(?<!\w)_|_(?!\w)")


@contextmanager
def boundary() -> Iterator[None]:
    """Run part of a page; whatever it raises is shown in words, and the rest of the page goes on."""
    try:
        yield
    except Exception as error:
        show(error)
    except BaseException as error:
        if not panicked(error):
            raise
        show(RuntimeError(str(error)))


def show(error: Exception) -> None:
    """An error in words: what was found, what was wanted, what to do."""
    if isinstance(error, NotReadyError):
        st.info(_sentences(error), icon=":material/hourglass_empty:")
    elif isinstance(error, LoopbenchError):
        st.error(_sentences(error), icon=":material/error:")
    else:
        reference = secrets.token_hex(3)
        log.error("page error %s", reference, exc_info=error)
        st.error(
            f"This part of the page could not be shown. Nothing was changed. Reference **{reference}**: "
            "the details stand under it in the log of `loop ui`.",
            icon=":material/error:",
        )


def on_script_error(error: Exception) -> bool:
    """For errors outside any boundary (callbacks of widgets): the same words instead of Streamlit's own."""
    show(error)
    return True


def plain(text: str) -> str:
    """Text as it is: nothing in it is read as Markdown, a formula or an icon, or turns the direction of reading."""
    text = _JOINTS.sub("\u2060", _in_line(text))
    return _FIRST.sub(r"\g<0>\\", _SIGNS.sub(r"\\\g<0>", text))


def code(text: str) -> str:
    """Text as it is, in the letters of a program."""
    text = _in_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}"


def _in_line(text: str) -> str:
    return visible(" ".join(text.splitlines()))


def _sentences(error: LoopbenchError) -> str:
    parts = [f"**{plain(error.given)}**"]
    if error.wanted:
        parts.append(f"Wanted: {plain(error.wanted)}")
    if error.todo:
        parts.append(f"Next: {plain(error.todo)}")
    return "  \n".join(parts)
