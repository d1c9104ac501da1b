"""Only this machine may ask: requests with a foreign Host or Origin are refused before Streamlit sees them.

Without this, a page of another site open in the same browser could talk to the app (DNS rebinding, cross-site
WebSockets); and Streamlit, asked by an unknown origin, looks up the machine's public address on the internet.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackOnly:
    """ASGI middleware: 403 unless Host, and Origin where there is one, name this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _from_here(dict(scope["headers"])):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("Loopbench answers only to this machine.", 403)(scope, receive, send)


def _from_here(headers: dict[bytes, bytes]) -> bool:
    host = urlsplit("//" + headers.get(b"host", b"").decode("latin-1")).hostname
    origin = headers.get(b"origin")
    return host in LOOPBACK and (origin is None or urlsplit(origin.decode("latin-1")).hostname in LOOPBACK)
