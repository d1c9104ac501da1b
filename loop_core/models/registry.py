"""Which models a loop knows: the ledger's `model.registered` entries, of packages and of external models alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.errors import IntegrityError, NotReadyError, RefusedError, UnknownNameError
from loop_core.ledger import Entry
from loop_core.models.manifest import Kind, Manifest
from loop_core.models.store import DIGEST, REGISTERED, ModelStore, digest_of, manifest_in
from loop_core.workspace import Loop


@dataclass(frozen=True)
class ModelView:
    """One registered model."""

    version: str
    """Content hash of its package; for an external model the name its owners gave it."""
    loop: str
    kind: Kind
    """`external`: only its logged scores are known, it cannot score new rows."""
    registered_at: datetime
    """UTC instant in the loop's own time."""
    actor: str
    parent: str | None
    """The champion it was trained to challenge; None: the first."""
    train_start: datetime | None
    train_end: datetime | None
    """It saw no row predicted at or after this; None: unknown."""
    n_rows: int
    """Rows it was fitted on."""
    metrics: Mapping[str, float | None]
    """Validation results; empty for external models."""
    seed: int
    snapshot: int | None


def register(loop: Loop, version: str, *, actor: str, as_of: datetime) -> Entry:
    """Record a saved package as a model of the loop; from this entry on it exists. Twice changes nothing.

    Raises:
        UnknownNameError: no such package.
        IntegrityError: its files were changed.
        RefusedError: it was trained for another loop.
    """
    contents = ModelStore(loop.workspace).contents(version)
    manifest = manifest_in(contents)
    if manifest.loop != loop.name:
        raise RefusedError(
            f"Model {version} was trained for {manifest.loop}", f"a model of {loop.name}", "retrain this loop"
        )
    return _record(loop, version, manifest, actor=actor, as_of=as_of, digest=digest_of(contents))


def register_external(
    loop: Loop, version: str, *, actor: str, as_of: datetime, train_end: datetime | None = None
) -> Entry:
    """Record a model of which only logged scores exist (`model_version` of the predictions is its name).

    Args:
        loop: the loop.
        version: the name in the log.
        actor, as_of: who and when.
        train_end: first instant of predictions that it certainly did not see; None: unknown.

    Raises:
        RefusedError: the name is empty, or that of a package.
    """
    if not version.strip() or version in ModelStore(loop.workspace).versions():
        raise RefusedError(
            f"{version!r} cannot name an external model", "a name that is not empty and no package's", "choose another"
        )
    manifest = Manifest(
        loop=loop.name, as_of=as_of, train_end=train_end, charter_hash=loop.charter.hash, kind="external"
    )
    return _record(loop, version, manifest, actor=actor, as_of=as_of)


def register_logged(
    loop: Loop, version: str, *, actor: str, as_of: datetime, train_end: datetime | None = None
) -> Entry:
    """`register_external` of a model whose scores are in the lake.

    Raises:
        NotReadyError: it has none; a name that was mistyped would be compared with nothing.
        RefusedError: as `register_external`.
    """
    said = " union all ".join(
        f"select 1 from {loop.table(table)} where model_version = $version and score is not null"
        for table in ("predictions", "scores")
    )
    if version.strip() and not loop.lake.rows(f"select count(*) from ({said})", {"version": version})[0][0]:
        raise NotReadyError(
            f"{loop.name} has no score of {version!r}{_others(loop)}",
            todo=f"check the name, or bring its scores in first: loop ingest {loop.name} scores FILE --model-version {version}",
        )
    return register_external(loop, version, actor=actor, as_of=as_of, train_end=train_end)


def _others(loop: Loop) -> str:
    """Whose scores there are."""
    said = " union ".join(f"select model_version from {loop.table(table)}" for table in ("predictions", "scores"))
    names = [row[0] for row in loop.lake.rows(f"select * from ({said}) where model_version is not null order by 1")]
    return f"; it has scores of {', '.join(names[:10])}" if names else ""


def registered(loop: Loop, as_of: datetime) -> list[ModelView]:
    """The loop's models at an instant, oldest first."""
    return [_view(entry) for entry in loop.ledger.entries(loop=loop.name, kind=REGISTERED, until=as_of)]


def manifest_of(loop: Loop, version: str) -> Manifest:
    """What is known of a registered model, package or external.

    Raises:
        UnknownNameError: not registered in this loop; the message lists those that are.
        IntegrityError: its package was changed, or is gone.
    """
    found = _registration(loop, version)
    if found.payload["kind"] != "external":
        return _stored(loop, version)
    end = _instant(found.payload["train_end"])
    return Manifest(loop.name, found.as_of, train_end=end, charter_hash=found.payload["charter_hash"], kind="external")


def _stored(loop: Loop, version: str) -> Manifest:
    try:
        return ModelStore(loop.workspace).load(version).manifest
    except UnknownNameError:
        # Its name is known; what it names is not there any more.
        raise IntegrityError(
            f"The package of model {version} is gone",
            f"the folder {loop.workspace.models / version} that it was saved in",
            "restore it from a backup; if it serves, `loop rollback` puts its predecessor back meanwhile",
        ) from None


def train_end(loop: Loop, version: str) -> datetime | None:
    """First instant that a registered model certainly did not see; None: unknown (external models may not say).
    From the ledger: a package that was damaged since need not be read.

    Raises:
        UnknownNameError: not registered in this loop.
    """
    return _instant(_registration(loop, version).payload["train_end"])


def _registration(loop: Loop, version: str) -> Entry:
    entries = loop.ledger.entries(loop=loop.name, kind=REGISTERED)
    found = next((entry for entry in entries if entry.subject == version), None)
    if found is None:
        raise UnknownNameError("model", version, [entry.subject for entry in entries])
    return found


def _record(
    loop: Loop, version: str, manifest: Manifest, *, actor: str, as_of: datetime, digest: str | None = None
) -> Entry:
    """`digest`: the whole hash of its package; None: it has none."""
    stored = manifest.to_json()
    names = ("kind", "parent", "train_start", "train_end", "n_rows", "metrics", "seed", "snapshot", "charter_hash")
    return loop.ledger.append(
        kind=REGISTERED,
        loop=loop.name,
        subject=version,
        actor=actor,
        as_of=as_of,
        payload={name: stored[name] for name in names} | ({DIGEST: digest} if digest else {}),
        key=f"model.registered:{loop.name}:{version}",
    )


def _view(entry: Entry) -> ModelView:
    fields: dict[str, Any] = dict(entry.payload)
    for name in ("charter_hash", DIGEST):
        fields.pop(name, None)
    for name in ("train_start", "train_end"):
        fields[name] = _instant(fields[name])
    return ModelView(version=entry.subject, loop=entry.loop, registered_at=entry.as_of, actor=entry.actor, **fields)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
