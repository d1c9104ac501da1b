"""The address of a PostgreSQL database, and where its password comes from.

The catalogue is reached by two clients: libpq (in DuckDB) and pg8000 (in SQLAlchemy). Both get the same address with
libpq's options, and neither gets a password in it: libpq reads `PGPASSWORD` and the password file itself, for pg8000
`DatabaseAddress.connect` does.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from loop_core.errors import RefusedError, StorageError
from loop_core.texts import read_text

SCHEME = "postgresql://"
#: libpq's options that mean something here; the others are refused by name.
OPTIONS = (
    "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "options", "passfile",
    "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "target_session_attrs",
    "channel_binding", "gssencmode", "client_encoding", "fallback_application_name",
)  # fmt: skip
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, by which options it is reached, and with which password if one was written into the address."""

    user: str
    """Empty: the system's user."""
    host: str
    """A name, an address, or the folder of a socket."""
    port: int
    database: str
    options: Mapping[str, str] = field(default_factory=dict)
    """libpq's, e.g. `sslmode`."""
    password: str | None = field(default=None, repr=False)
    """As it was written into the address; None: it was not."""

    def __str__(self) -> str:
        """`postgresql://user@host:port/database?options`, without the password."""
        socket = "/" in self.host
        host = "" if socket else f"[{self.host}]" if ":" in self.host else self.host
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        options = {**({"host": self.host} if socket else {}), **self.options}
        more = f"?{urlencode(options, quote_via=quote)}" if options else ""
        return f"{SCHEME}{user}{host}:{self.port}/{quote(self.database, safe='')}{more}"

    def with_password_file(self, file: Path) -> DatabaseAddress:
        """The same, with its password from that file where this user may read it and nothing more is said."""
        said = "passfile" in self.options or "PGPASSWORD" in os.environ
        if said or not os.access(file, os.R_OK) or _password_in(file, self) is None:
            return self
        return replace(self, options={**self.options, "passfile": str(file)})

    def password_line(self) -> str:
        """Its line in a password file."""
        parts = (self.host, str(self.port), self.database, self.user or "*", self.password or "")
        return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts) + "\n"

    def connect(self) -> Any:
        """A connection of pg8000, whose own errors tell what is wrong."""
        import pg8000

        first, *others = self._ways()
        # The package's own, as SQLAlchemy takes it: `pg8000.dbapi` calls a key that is there twice just a database error.
        try:
            try:
                return self._connected(pg8000.connect, first)
            except pg8000.Error:
                if not others:
                    raise
                return self._connected(pg8000.connect, others[0])
        except (OSError, ValueError) as error:
            raise pg8000.InterfaceError(str(error)) from None

    def _ways(self) -> tuple[ssl.SSLContext | bool | None, ...]:
        """With TLS, without (False), or with it where the server has it (None), in the order in which libpq tries it."""
        mode = self.options.get("sslmode", "prefer")
        # A socket of this machine has none.
        if mode == "disable" or self.host.startswith("/"):
            return (False,)
        return {"prefer": (None, False), "allow": (False, None)}.get(mode) or (self._ssl(mode),)

    def _connected(self, connect: Callable[..., Any], context: ssl.SSLContext | bool | None) -> Any:
        socket = (
            {"unix_sock": f"{self.host}/.s.PGSQL.{self.port}"} if self.host.startswith("/") else {"host": self.host}
        )
        extra = {"startup_params": {"options": self.options["options"]}} if "options" in self.options else {}
        seconds = float(self.options.get("connect_timeout", 0)) or None
        connection = connect(
            user=self.user or _me(), port=self.port, database=self.database, password=self._secret(),
            ssl_context=context, timeout=seconds, application_name=self.options.get("application_name"),
            tcp_keepalive=self.options.get("keepalives", "1") != "0", **socket, **extra,
        )  # fmt: skip
        # pg8000 knows one time limit for everything; this one is for connecting, not for waiting for a lock.
        connection._usock.settimeout(None)
        return connection

    def _secret(self) -> str | None:
        """In libpq's order: the address, the environment, the password file."""
        if self.password is not None:
            return self.password
        if "PGPASSWORD" in os.environ:
            return os.environ["PGPASSWORD"]
        file = self.options.get("passfile") or os.environ.get("PGPASSFILE") or Path.home() / ".pgpass"
        return _password_in(Path(file), self)

    def _ssl(self, mode: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.options.get("sslrootcert"))
        context.check_hostname = mode == "verify-full"
        if mode == "require" and "sslrootcert" not in self.options:
            context.verify_mode = ssl.CERT_NONE
        if "sslcert" in self.options:
            context.load_cert_chain(self.options["sslcert"], self.options.get("sslkey"))
        return context


def parse_address(text: str) -> DatabaseAddress:
    """`postgresql://user:password@host:port/database?options` in its parts. RefusedError for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port or 5432
    except ValueError as error:
        raise _not_an_address(str(error)) from None
    if parts.scheme != "postgresql" or not parts.path.strip("/"):
        raise _not_an_address("it is not of this form")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    password = options.pop("password", None) or (unquote(parts.password) if parts.password is not None else None)
    host = options.pop("host", None) or unquote(parts.hostname or "localhost")
    port, user = int(options.pop("port", port)), options.pop("user", None) or unquote(parts.username or "")
    for name, value in options.items():
        if name not in OPTIONS:
            raise RefusedError(f"The database's address has the option {name!r}. Known are: {', '.join(OPTIONS)}")
        if name == "sslmode" and value not in SSL_MODES:
            raise RefusedError(f"The database's address says sslmode={value}. Known are: {', '.join(SSL_MODES)}")
        if name == "connect_timeout" and not value.isdecimal():
            raise RefusedError(f"The database's address says connect_timeout={value}, which is not a number of seconds")
    return DatabaseAddress(user, host, port, unquote(parts.path.lstrip("/")), options, password)


def _not_an_address(why: str) -> RefusedError:
    return RefusedError(
        f"The catalogue is not the address of a PostgreSQL database ({why})",
        todo="write postgresql://user@host:port/database, or leave it out for SQLite",
    )


def _password_in(file: Path, address: DatabaseAddress) -> str | None:
    """The password of the first line that fits, as libpq reads it; None: there is none, or others may read the file."""
    try:
        if file.stat().st_mode & 0o077:
            return None
        lines = read_text(file).splitlines()
    except OSError:
        return None
    wanted = (address.host, str(address.port), address.database, address.user or _me())
    for line in lines:
        parts = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", line)]
        fits = len(parts) == 5 and all(p in ("*", w) for p, w in zip(parts, wanted, strict=False))
        if fits and not line.startswith("#"):
            return parts[4]
    return None


def _me() -> str:
    import getpass

    return getpass.getuser()


def only_reads(message: str) -> StorageError | None:
    """The product's word for what PostgreSQL says to a user without the right to write, and as a replica; None: it is about
    something else."""
    if "permission denied for " not in message and "in a read-only transaction" not in message:
        return None
    return StorageError(
        "This user may only read the team's database, so nothing in the workspace can be changed",
        todo="ask its owner for the right to write",
    )
