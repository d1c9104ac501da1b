"""Real receivers on loopback: a webhook that behaves as it is told, and a mail server that keeps what it gets."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loop_core.alerts.send import MESSAGE_HEADER

#: What a webhook may do with a request, in the order of its requests; the last one goes on for good.
TAKE = "take"


@dataclass
class Webhook:
    """A webhook's address, what it shall do, and what it saw."""

    url: str = ""
    behave: list[Any] = field(default_factory=lambda: [TAKE])
    """`take`; a status to answer; `hang up` after reading; a number of seconds to wait before taking; or a function."""
    taken: list[str] = field(default_factory=list)
    """Message ids it answered with 200, or took before it hung up."""
    seen: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def webhook(port: int = 0) -> Iterator[Webhook]:
    """A webhook while the block is open; afterwards its port refuses connections."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = self.headers[MESSAGE_HEADER]
            hook.seen.append(name)
            hook.bodies.append(body)
            what = hook.behave.pop(0) if len(hook.behave) > 1 else hook.behave[0]
            if isinstance(what, int) and what >= 300:
                return self._answer(what)
            hook.taken.append(name)
            if callable(what):
                what()
            if what == "hang up":
                return self.connection.close()
            if isinstance(what, float):
                time.sleep(what)
            return self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever was killed while it waited for the answer cannot be answered."""

    server = Server(("127.0.0.1", port), Handler)
    hook.url = f"json://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server(refuse: Callable[[str], str | None] = lambda line: None) -> Iterator[tuple[int, list[str]]]:
    """A mail server → (port, texts it accepted). `refuse`: the answer to a command it does not accept."""
    accepted: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline().decode().strip():
                said = refuse(line)
                if said is not None:
                    self._say(said)
                elif line.upper().startswith("DATA"):
                    self._say("354 go on")
                    accepted.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    self._say("250 taken")
                elif line.upper().startswith("QUIT"):
                    return self._say("221 bye")
                else:
                    self._say("250 ok")
            return None

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], accepted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
