"""What data says to a terminal is shown, not done."""

from __future__ import annotations

import pytest

from loop_core.cli.console import complain, say, show

HOSTILE = ["[/x]", "[bold red]x", "root:x:0", ":smile:", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "a\rb", "\x9b31m"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_text(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    show([{"name": value, "list": [value]}], False)
    say(f"group {value}")
    complain(f"group {value}")
    said = "".join(capsys.readouterr())
    written = value.encode("unicode_escape").decode("ascii")
    assert said.count(written) == 4
    assert not set("\x1b\x07\x9b\r\u202e") & set(said.replace("\x1b[31m", "").replace("\x1b[0m", ""))
