"""One message to one receiver, through apprise. The only place that imports it.

What matters is which of three things happened: it was taken, it certainly was not, or nobody can tell. A message that
was certainly not taken may be sent again; one of which nobody can tell must not.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from loop_core.alerts.channels import Channel
from loop_core.alerts.unmarked import unmarked
from loop_core.errors import SourceError

#: Seconds a receiver may take to answer, unless its address says otherwise (`rto=`).
ANSWER_SECONDS = 20.0
#: Header, and last line of the body, by which a receiver can recognise a message it has.
MESSAGE_HEADER = "X-Loopbench-Message"

#: Proof that a message did not arrive → in words. Looked for in what apprise logs; its own answer is only yes or no.
_NOT_TAKEN = {
    "NewConnectionError": "connection refused",
    "Connection refused": "connection refused",
    "NameResolutionError": "unknown host",
    "ConnectTimeoutError": "no connection in time",
    "SSLCertVerificationError": "its certificate is not trusted",
    # Said before the message was handed over: while connecting, encrypting or logging in.
    "Connection error while submitting email": "the mail server did not let us in",
    "was refused:": "the mail server refused the receiver",
    "email Recipients": "no receiver",
}
#: A gateway that gave up waiting does not know either whether the receiver took the message.
_DOUBTFUL = ("504", "408")

#: apprise's logger is one for the process, so one message at a time is listened to.
_sending = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    status: Literal["sent", "refused", "unknown"]
    """`refused`: certainly not taken. `unknown`: handed over, and no answer says whether it was taken."""
    error: str = ""
    """In words, without the address; empty when sent."""


def post(channel: Channel, title: str, body: str, message_id: str) -> Outcome:
    """Hand one message to a channel's receiver. Waits at most for its time-outs.

    Raises:
        SourceError: the address is none.
    """
    plugin = receiver(channel)
    # One attempt and no redirect: whoever repeats a request decides whether a message arrives twice.
    plugin.retry, plugin.redirects = 0, False
    plugin.socket_read_timeout = max(plugin.socket_read_timeout, ANSWER_SECONDS if "rto=" not in channel.url else 0)
    if hasattr(plugin, "headers"):
        plugin.headers[MESSAGE_HEADER] = message_id
    with _listening() as heard:
        try:
            # Messages that an older version wrote wait in the outbox too. Declared as text, each service's own escaping
            # is applied on top: undeclared, mail reads it as HTML.
            lines = [unmarked(line) for line in (*body.split("\n"), "", f"Message {message_id}")]
            taken = plugin.notify(title=unmarked(title), body="\n".join(lines), body_format="text")
        except Exception as error:
            return Outcome("unknown", f"it failed in an unforeseen way ({type(error).__name__})")
    return Outcome("sent") if taken else _failure("\n".join(heard))


def receiver(channel: Channel) -> Any:
    """apprise's object for a channel's address.

    Raises:
        SourceError: the address is malformed, of an unknown kind, or stands for several receivers.
    """
    import apprise

    with _listening(), warnings.catch_warnings():
        # At the first address apprise imports all its services, and those import old modules of Python.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            plugin = apprise.Apprise.instantiate(channel.url, suppress_exceptions=False)
        except Exception:
            plugin = None
    kind = channel.url.split(":")[0] if "://" in channel.url else "nothing"
    if plugin is None:
        raise SourceError(
            f"The url of channel {channel.name} (it begins with {kind}) is no address apprise knows",
            "e.g. jsons://host/path, slack://…, mailto://user:password@host?to=ana@example.org",
            "see https://appriseit.com/services/ for how addresses are written",
        )
    if len(plugin) > 1 + plugin.retry:
        raise SourceError(
            f"The url of channel {channel.name} stands for {len(plugin)} receivers",
            "one receiver a channel, so that a retry reaches nobody twice",
            "make a channel for each",
        )
    return plugin


def described(channel: Channel) -> str:
    """Which service and host, without anything secret. Raises SourceError as `receiver`."""
    plugin = receiver(channel)
    host = getattr(plugin, "host", None)
    return f"{plugin.service_name}{f' at {host}' if host else ''}"


def _failure(heard: str) -> Outcome:
    status = re.search(r"error=(\d{3})", heard)
    if status is not None:
        said = f"it answered HTTP {status[1]}"
        return Outcome("unknown" if status[1] in _DOUBTFUL else "refused", said)
    refused = re.search(r"Socket Exception: .*?\(([45]\d\d), ", heard)
    if refused is not None:
        return Outcome("refused", f"the mail server answered {refused[1]}")
    for proof, words in _NOT_TAKEN.items():
        if proof in heard:
            return Outcome("refused", words)
    words = "no answer in time" if "timed out" in heard.lower() else "the connection broke before an answer came"
    return Outcome("unknown", words)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What apprise logs meanwhile; it goes nowhere else, because addresses are in it."""
    log, heard = logging.getLogger("apprise"), _Ear()
    with _sending:
        level, onward = log.level, log.propagate
        log.addHandler(heard)
        log.setLevel(logging.DEBUG)
        log.propagate = False
        try:
            yield heard.lines
        finally:
            log.removeHandler(heard)
            log.setLevel(level)
            log.propagate = onward


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
