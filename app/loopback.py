"""Only this app's own pages may ask: other requests are refused before Streamlit sees them, and answers say what may be done
with them.

Without this, a page of another site open in the same browser could talk to the app (DNS rebinding, cross-site
WebSockets), also one that another program on this machine serves; and Streamlit, asked by an unknown origin, looks up the
machine's public address on the internet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PLACE = re.compile(rb"(?P<host>127\.0\.0\.1|localhost|\[::1\])(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
_ORIGIN = b"http://"

#: What a page of the app may load and do. Streamlit sets styles inline and Vega compiles its charts; Evidently's report is one
#: page of inline scripts, shown in a frame that inherits this. Nothing comes from, or goes to, anywhere else.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob: {socket}",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class LoopbackOnly:
    """ASGI middleware: 403 unless Host names this machine, and Origin, where there is one, the same host and port."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        asked = _asked(scope["headers"])
        if asked is not None:
            await self.app(scope, receive, _protected(send, asked))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse("Loopbench answers only to its own pages on this machine.", 403)
            await refusal(scope, receive, _protected(send, ""))


def _asked(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The host and port that a request names, e.g. `127.0.0.1:8501`; None: not this app's, or not said in one way."""
    hosts = [value for name, value in headers if name == b"host"]
    origins = [value for name, value in headers if name == b"origin"]
    place = _place(hosts[0]) if len(hosts) == 1 else None
    if place is None or len(origins) > 1:
        return None
    if origins and (not origins[0].startswith(_ORIGIN) or _place(origins[0].removeprefix(_ORIGIN)) != place):
        return None
    return f"{place[0]}:{place[1]}"


def _place(text: bytes) -> tuple[str, int] | None:
    """Host and port of this machine; None: anything else."""
    match = _PLACE.fullmatch(text)
    port = int(match["port"] or 80) if match else 0
    return (match["host"].decode().lower(), port) if match and 0 < port < 65_536 else None


def _protected(send: Send, asked: str) -> Send:
    """`send`, with the headers that bind a browser on every answer."""

    async def send_protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY.format(socket=f"ws://{asked}" if asked else "").replace(
                " ;", ";"
            )
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return send_protected
