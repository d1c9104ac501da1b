"""A PostgreSQL cluster that lives as long as the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

BIN = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be away for a while."""

    root: Path
    port: int

    @property
    def address(self) -> str:
        return f"postgresql://loop@127.0.0.1:{self.port}/"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.root} -c fsync=off -c max_connections=200"
        self._control("-w", "-l", f"{self.root}/log", "-o", options, "start")

    def stop(self) -> None:
        self._control("-m", "immediate", "-w", "stop")

    def _control(self, *arguments: str) -> None:
        _as_postgres(str(BIN / "pg_ctl"), "-D", f"{self.root}/data", *arguments, cwd=self.root)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster on a free loopback port."""
    if not (BIN / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed at {BIN}")
    # PostgreSQL refuses to run as root, and its user must be able to reach the folder.
    root = Path("/var/tmp") / f"loopbench-pg-{uuid.uuid4().hex[:8]}" if os.getuid() == 0 else folder
    root.mkdir(exist_ok=True)
    if os.getuid() == 0:
        shutil.chown(root, "postgres")
    _as_postgres(str(BIN / "initdb"), "-D", f"{root}/data", "-U", "loop", "-A", "trust", "-N", cwd=root)
    started = Cluster(root, _free_port())
    started.start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(root, ignore_errors=True)


def fresh_database(address: str) -> str:
    """Create an empty database → its address."""
    name = f"t{uuid.uuid4().hex[:12]}"
    engine = create_engine(
        address.replace("postgresql://", "postgresql+pg8000://") + "postgres", isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f'create database "{name}"'))
    engine.dispose()
    return address + name


def _as_postgres(*command: str, cwd: Path) -> None:
    user = "postgres" if os.getuid() == 0 else None
    subprocess.run(command, check=True, capture_output=True, user=user, cwd=cwd)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
