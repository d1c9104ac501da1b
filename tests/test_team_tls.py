"""A team's PostgreSQL that wants TLS and a password: a cluster of the test's own, its certificate made for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loop_core.errors import LoopbenchError
from loop_core.postgres import parse_address
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
from tests.postgres import Cluster, cluster

pytestmark = pytest.mark.postgres
#: Everybody over TLS with a password; the owner of the cluster as it was, to make databases.
RULES = """
host all loop 127.0.0.1/32 trust
hostssl all ana 127.0.0.1/32 scram-sha-256
host all plain 127.0.0.1/32 scram-sha-256
"""


def run(started: Cluster, *statements: str) -> None:
    connection = parse_address(f"{started.address}postgres?sslmode=disable").connect()
    connection.autocommit = True
    for sql in statements:
        connection.cursor().execute(sql)
    connection.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    """The cluster and its certificate, which names `localhost` alone."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    with cluster(tmp_path_factory.mktemp("tls")) as started:
        data, out = started.root / "data", tmp_path_factory.mktemp("cert") / "root.crt"
        subprocess.run(
            ["openssl", "req", "-new", "-x509", "-days", "2", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-out", data / "server.crt", "-keyout", data / "server.key"],
            check=True, capture_output=True,
        )  # fmt: skip
        shutil.copy(data / "server.crt", out)
        (data / "server.key").chmod(0o600)
        if os.getuid() == 0:
            for name in ("server.crt", "server.key"):
                shutil.chown(data / name, "postgres")
        (data / "pg_hba.conf").write_text(RULES)
        secret = "create role {} superuser login password 'sesam'"
        run(started, "alter system set ssl = on", secret.format("ana"), secret.format("plain"), "create database team")
        run(started, "select pg_reload_conf()")
        yield started, out


def encrypted(address: str) -> bool:
    """Whether a connection of ours is."""
    connection = parse_address(address).connect()
    try:
        found = connection.run("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        return bool(found[0][0])
    finally:
        connection.close()


def test_both_clients_reach_it_as_each_mode_says(guarded: tuple[Cluster, Path], tmp_path: Path) -> None:
    started, root = guarded
    who = f"postgresql://ana:sesam@localhost:{started.port}/team"
    for mode in (
        "",
        "?sslmode=prefer",
        "?sslmode=allow",
        "?sslmode=require",
        f"?sslmode=verify-full&sslrootcert={root}",
    ):
        assert encrypted(who + mode), mode
    plain = f"postgresql://plain:sesam@localhost:{started.port}/team"
    assert [encrypted(plain + mode) for mode in ("", "?sslmode=allow", "?sslmode=disable")] == [True, False, False]
    full = f"{who}?sslmode=verify-full&sslrootcert={root}"
    with Workspace.create(tmp_path / "w", catalog=full) as workspace:
        workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        assert workspace.loops() == ("orders",)
    # By a name that the certificate does not have.
    with pytest.raises(LoopbenchError) as raised:
        Workspace.create(tmp_path / "other", catalog=full.replace("localhost", "127.0.0.1"))
    assert "sesam" not in str(raised.value)
    assert not (tmp_path / "other" / "workspace.toml").exists()
