"""Who may talk to the app, and what its answers let a browser do."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.loopback import LoopbackOnly

HOST = (b"host", b"127.0.0.1:8501")


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def ask(*headers: tuple[bytes, bytes], kind: str = "http") -> dict[str, Any]:
    """The first message of the answer to a request with these headers."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": list(headers)}
    answer = LoopbackOnly(_app)(scope, None, send)  # type: ignore[arg-type]
    # A thread of its own: the browser's client keeps an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, answer).result()
    return sent[0]


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [HOST, (b"origin", b"http://127.0.0.1:8501")],
        [(b"host", b"localhost:9000"), (b"origin", b"http://localhost:9000")],
        [(b"host", b"LOCALHOST:9000"), (b"origin", b"http://localhost:9000")],
        [(b"host", b"[::1]:8501"), (b"origin", b"http://[::1]:8501")],
        [(b"host", b"localhost"), (b"origin", b"http://localhost:80")],
    ],
)
def test_the_apps_own_pages_are_answered(headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(*headers)["status"] == 200
    assert ask(*headers, kind="websocket")["type"] == "websocket.accept"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [(b"host", b"evil.example")],
        [(b"host", b"127.0.0.1.evil.example:8501")],
        [(b"host", b"evil.example#127.0.0.1:8501")],
        [(b"host", b"evil@127.0.0.1:8501")],
        [(b"host", b"127.0.0.1:8501@evil.example")],
        [(b"host", b"[")],
        [(b"host", b"[::1")],
        [(b"host", b"[::1]x:8501")],
        [(b"host", b"127.0.0.1:99999")],
        [(b"host", b"127.0.0.1:0")],
        [(b"host", b"127.0.0.1:abc")],
        [(b"host", b"127.0.0.1:8501 ")],
        [(b"host", b"127.0.0.1:8501\n")],
        [(b"host", b"127.0.0.1:\xd9\xa1")],
        [(b"host", b"\xff\xfe")],
        [(b"host", b"0.0.0.0:8501")],
        [(b"host", b"127.1:8501")],
        [(b"host", b"2130706433:8501")],
        [HOST, HOST],
        [HOST, (b"host", b"evil.example")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"")],
        [HOST, (b"origin", b"http://127.0.0.1:9999")],
        [HOST, (b"origin", b"http://127.0.0.1")],
        [HOST, (b"origin", b"http://localhost:8501")],
        [HOST, (b"origin", b"https://127.0.0.1:8501")],
        [HOST, (b"origin", b"file://127.0.0.1:8501")],
        [HOST, (b"origin", b"http://evil.example:8501")],
        [HOST, (b"origin", b"http://127.0.0.1:8501/")],
        [HOST, (b"origin", b"http://[")],
        [HOST, (b"origin", b"http://[::1:8501")],
        [HOST, (b"origin", b"http://127.0.0.1:8501@evil.example")],
        [HOST, (b"origin", b"http://127.0.0.1:8501"), (b"origin", b"http://evil.example")],
    ],
)
def test_others_are_refused_whatever_they_send(headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(*headers)["status"] == 403
    assert ask(*headers, kind="websocket") == {"type": "websocket.close", "code": 1008}


@pytest.mark.parametrize("headers", [[HOST], [(b"host", b"evil.example")]])
def test_every_answer_binds_the_browser(headers: list[tuple[bytes, bytes]]) -> None:
    answer = {name.decode(): value.decode() for name, value in ask(*headers)["headers"]}
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer["content-security-policy"].split(";"))
    assert rules["default-src"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:"
    assert (rules["object-src"], rules["frame-ancestors"]) == ("'none'", "'none'")
    assert not [part for rule in rules.values() for part in rule.split() if "*" in part or part.startswith("http")]
    assert (answer["x-content-type-options"], answer["referrer-policy"]) == ("nosniff", "no-referrer")
