"""Data is text in every medium that leaves the app: terminal, Markdown document, spreadsheet, message, log."""

from __future__ import annotations

import json

import pytest
import requests
from markdown_it import MarkdownIt

from loop_core import spreadsheet
from loop_core.alerts.channels import Channel
from loop_core.alerts.send import post
from loop_core.alerts.unmarked import unmarked
from loop_core.cli.console import show
from loop_core.markdown import as_text

ADDRESS = "http://127.0.0.1:9/i"
HOSTILE = [
    f"![x]({ADDRESS})",
    f"<img src={ADDRESS}>",
    "<script>fetch(1)</script>",
    "[x](javascript:alert(1))",
    f"[x][y]\n\n[y]: {ADDRESS}",
    f"<{ADDRESS}|click>",
    f"<{ADDRESS}>",
    ADDRESS,
    "www.example.org/x",
    "mallory@example.org",
    "@everyone <!channel> <@U123>",
    "# heading",
    "1. list",
    "**bold** `code` ~~gone~~ a_b _c_",
    "a | b\n---|---\n1 | 2",
    "&lt;b&gt; \\",
    "\x1b[2J \u202egnp.exe \x9b31m",
    "late\r\nBcc: all@example.org",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_markdown_document_shows_the_value_and_makes_nothing_of_it(value: str) -> None:
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False}).use(_bare_addresses)
    tokens = parser.parse(f"- {as_text(value)}\n")
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} == {
        f"{kind}_{end}" for kind in ("bullet_list", "list_item", "paragraph") for end in ("open", "close")
    } | {"inline"}
    assert {child.type for child in inline} <= {"text", "text_special"}, inline
    shown = "".join(child.content for child in inline)
    assert "\n" not in shown
    if value.isprintable():
        assert shown == value


def _bare_addresses(parser: MarkdownIt) -> None:
    """What GitHub makes links of without a mark, stated simply: an address that the source holds unbroken."""

    def found(state: object) -> None:
        source = state.src  # type: ignore[attr-defined]
        assert not any(sign in source for sign in ("http://", "www.", "mallory@"))

    parser.core.ruler.push("bare_addresses", found)


#: One of each way a service reads what it is sent: plain text, HTML, Slack's marks, Discord's, Telegram's HTML.
SERVICES = {
    "json": "json://127.0.0.1/x",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    "slack as markdown": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general?format=markdown&blocks=yes",
    "discord": f"discord://123456789012345678/{'a1' * 34}",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "google chat": "gchat://w/k/t",
    "mailgun": f"mailgun://user@example.org/{'a' * 32}-{'b' * 8}-{'c' * 8}",
}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_is_sent_a_mark_of_the_data(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def refuse(*_: object, **more: object) -> None:
        sent.append(str(more.get("data") or more.get("json")))
        raise requests.ConnectionError

    monkeypatch.setattr("requests.post", refuse)
    monkeypatch.setattr("requests.request", refuse)
    post(Channel(name="c", url=SERVICES[service]), " ".join(HOSTILE), "\n".join(HOSTILE), "m1")
    (text,) = sent
    for mark in ("](", "][", "<img", "<script", f"<{ADDRESS}", "<!", "<@", "@everyone", "\x1b", "\\u001b", "\u202e"):
        assert mark not in text, mark


def test_a_title_is_one_line() -> None:
    title = unmarked("late\r\nBcc: all@example.org\u2028X: y")
    assert title.splitlines() == [title]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *((text, f"'{text}") for text in ('=HYPERLINK("http://h")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", " =1", "\t=1", "\r=1", "\uff1d1")),
        *((value, value) for value in (-0.5, 3, None, True, "-0.5", "+3.2 %", "SP", "a=b", "")),
    ],
)  # fmt: skip
def test_a_spreadsheet_holds_no_formula_of_the_data(value: object, cell: object) -> None:
    assert spreadsheet.as_text(value) == cell


def test_headings_of_a_query_and_json_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"[/x]\x1b[2J": "\u202e"}], False)
    show({"a": "\x9b31m\u202e ü"}, True)
    table, said = capsys.readouterr().out.split("{", 1)
    assert "[/x]\\x1b[2J" in table
    assert not {"\x1b", "\x9b", "\u202e"} & {*table, *said}
    assert json.loads("{" + said) == {"a": "\x9b31m\u202e ü"}
