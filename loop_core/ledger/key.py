"""The ledger's key: a file in the workspace's folder, never in the database.

Whoever can change the database and cannot read this file cannot write entries that verify. Whoever can read it can: against
them only an anchor helps that is kept somewhere else (`loop ledger anchor`).
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from loop_core.errors import StorageError
from loop_core.layout import is_shared
from loop_core.texts import read_text
from loop_core.toml import read_toml

KEY_FILE = "ledger.key"
_TEXT = """\
# The key that this workspace's ledger is chained with. Keep it from others, and in every backup of the workspace:
# without it nothing can be put on record, and entries from number {since} on cannot be checked.
since = {since}
key = "{secret}"
"""


@dataclass(frozen=True)
class ChainKey:
    """The key, and from which entry on it holds."""

    secret: bytes = field(repr=False)
    since: int
    """Number of the first entry hashed with it: 1, but in ledgers that are older than their key."""


def read_key(folder: Path) -> ChainKey | None:
    """The key of the workspace in a folder; None: there is no such file.

    Raises:
        StorageError: it cannot be read.
    """
    path = folder / KEY_FILE
    try:
        found = read_toml(read_text(path, errors="replace"))
        return ChainKey(bytes.fromhex(found["key"]), int(found["since"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"The ledger's key {path} cannot be read ({error.strerror})",
            todo="ask the workspace's owner to give you rights to it",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise StorageError(f"{path} does not hold a ledger's key", todo="restore it from a backup") from None


def make_key(folder: Path, since: int) -> ChainKey:
    """Make the key of a workspace that has none; the file is there whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    key, path = ChainKey(secrets.token_bytes(32), since), folder / KEY_FILE
    draft = path.with_name(f"{KEY_FILE}.new-{secrets.token_hex(4)}")
    mode = 0o660 if is_shared(folder) else 0o600
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(_TEXT.format(since=since, secret=key.secret.hex()))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(
            f"The ledger's key {path} cannot be written ({error.strerror})",
            "a folder this user may write",
            "change its permissions",
        ) from None
    return key
