"""Model packages on disk: `models/<version>/` = model.txt, calibration.json, manifest.json; written once."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from loop_core.errors import IntegrityError, StorageError, UnknownNameError
from loop_core.models.calibration import Calibration
from loop_core.models.manifest import Manifest, canonical
from loop_core.models.package import Model
from loop_core.workspace import Workspace

FILES = ("calibration.json", "manifest.json", "model.txt")
VERSION_DIGITS = 12
#: The ledger's kind of entry about a model, and the name under which it holds the whole hash of its package.
REGISTERED, DIGEST = "model.registered", "sha256"
#: Prefix of folders that a killed `save` leaves behind; `loop doctor` may remove them.
WRITING = ".writing-"


class ModelStore:
    """The model packages of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.folder, self.ledger = workspace.models, workspace.ledger

    def save(self, booster_text: str, calibration: Calibration, manifest: Manifest) -> str:
        """Write a package and return its version. The same content again changes nothing.

        The files are written and synced beside their place and renamed into it, so a kill leaves all or nothing.

        Raises:
            StorageError: the disk is full or read-only; nothing is left behind.
            IntegrityError: the version exists and its files were changed.
        """
        contents = contents_of(booster_text, calibration, manifest)
        version = version_of(contents)
        if not (self.folder / version).exists():
            self._place(version, contents)
        self.contents(version)
        return version

    def load(self, version: str) -> Model:
        """Read and verify a package.

        Raises:
            UnknownNameError: there is no such package (external models have none).
            IntegrityError: a file is missing or a byte of it was changed.
        """
        contents = self.contents(version)
        return Model(
            version,
            manifest_in(contents),
            Calibration.from_json(json.loads(contents["calibration.json"])),
            contents["model.txt"].decode(),
        )

    def versions(self) -> tuple[str, ...]:
        """Versions that have a package, by name."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".")))

    def verify(self) -> tuple[str, ...]:
        """Read every package; the problems found, one sentence each."""
        problems = []
        for version in self.versions():
            try:
                self.contents(version)
            except (IntegrityError, StorageError) as error:
                problems.append(str(error))
        return tuple(problems)

    def contents(self, version: str) -> dict[str, bytes]:
        """File name → its verified bytes. Raises as `load`."""
        folder = self.folder / version
        if version not in self.versions():
            raise UnknownNameError("model package", version, self.versions())
        try:
            contents = {name: (folder / name).read_bytes() for name in FILES}
        except FileNotFoundError as error:
            raise IntegrityError(
                f"Model {version} lacks {Path(error.filename).name}",
                "the three files it was saved with",
                "restore the folder from a backup",
            ) from None
        except OSError as error:
            raise StorageError(
                f"Model {version} cannot be read ({error.strerror})", "a readable folder", "check its permissions"
            ) from error
        digest = digest_of(contents)
        if digest[:VERSION_DIGITS] != version or digest != (self.digest_on_record(version) or digest):
            raise IntegrityError(
                f"Model {version} was changed on disk: its files now hash to {digest}",
                "the bytes it was saved with",
                "restore the folder from a backup; if it serves, `loop rollback` puts its predecessor back meanwhile",
            )
        return contents

    def digest_on_record(self, version: str) -> str | None:
        """The whole hash that the ledger has of a package; None: it is not registered, or was before whole hashes were kept."""
        entries = self.ledger.entries(kind=REGISTERED, subject=version)
        return next((entry.payload[DIGEST] for entry in entries if entry.payload.get(DIGEST)), None)

    def _place(self, version: str, contents: Mapping[str, bytes]) -> None:
        beside = self.folder / f"{WRITING}{version}-{uuid.uuid4().hex[:8]}"
        try:
            beside.mkdir(parents=True)
            for name, content in contents.items():
                _write_synced(beside / name, content)
            _sync(beside)
            beside.rename(self.folder / version)
            _sync(self.folder)
        except OSError as error:
            # Another process may have placed the same content in between; anything else is the disk's word.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise StorageError(
                    f"Model {version} cannot be written ({error.strerror})",
                    "free space in a folder this user may write",
                    "make room or change permissions, then retry",
                ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def contents_of(booster_text: str, calibration: Calibration, manifest: Manifest) -> dict[str, bytes]:
    """File name → bytes of a package."""
    return {
        "calibration.json": canonical(calibration.to_json()).encode(),
        "manifest.json": manifest.text().encode(),
        "model.txt": booster_text.encode(),
    }


def manifest_in(contents: Mapping[str, bytes]) -> Manifest:
    """The manifest among a package's files."""
    return Manifest.from_json(json.loads(contents["manifest.json"]))


def digest_of(contents: Mapping[str, bytes]) -> str:
    """sha256 over names, lengths and bytes of the files, in name order, hex."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{len(contents[name])}\0".encode())
        digest.update(contents[name])
    return digest.hexdigest()


def version_of(contents: Mapping[str, bytes]) -> str:
    """The name of a package: the first digits of its `digest_of`, which the ledger holds whole."""
    return digest_of(contents)[:VERSION_DIGITS]


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
