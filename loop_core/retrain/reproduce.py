"""The same model again, from what its manifest says: does it come out byte for byte?"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace

from loop_core.charter import Charter, parse_charter
from loop_core.errors import NotReadyError, RefusedError
from loop_core.models import Manifest, ModelStore, manifest_of
from loop_core.models.store import contents_of, version_of
from loop_core.retrain.fit import Recipe, assembled
from loop_core.retrain.inspection import inspected
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.space import searched
from loop_core.retrain.training import training_set
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Reproduction:
    """A model trained again."""

    version: str
    """The one that was asked for."""
    again: str
    """What the same inputs gave now; the same version: the same bytes."""
    differing: tuple[str, ...]
    """Files that came out differently; empty: none did."""
    libraries: tuple[str, ...]
    """Libraries whose version is another than then, as `lightgbm 4.6.0 → 4.7.0`: the likely reason."""

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return self.version == self.again

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.same:
            return f"{self.version} came out again, byte for byte."
        why = f"; other versions now: {', '.join(self.libraries)}" if self.libraries else ""
        return f"{self.version} came out as {self.again}: {', '.join(self.differing)} differ{why}."


def reproduce(loop: Loop, version: str) -> Reproduction:
    """Train a registered model again from its snapshot, charter, parameters and seed. Nothing is saved or registered.

    Args:
        loop: the loop.
        version: of a model that was trained here.

    Raises:
        UnknownNameError: no such model.
        IntegrityError: its files were changed on disk.
        RefusedError: it is external: nobody here knows how it was made; or the ledger lacks its charter.
        CharterError: its charter means nothing to this program any more.
        NotReadyError: its snapshot was removed.
    """
    manifest = manifest_of(loop, version)
    if manifest.kind == "external":
        raise RefusedError(f"{version} is external", "a model that was trained here", "ask its owner")
    then = replace(loop, charter=_charter_of(loop, manifest))
    training = training_set(
        then,
        manifest.as_of,
        snapshot=_snapshot_of(loop, manifest),
        since=manifest.train_start,
        until=manifest.train_end,
    )
    objective, params = objective_of(then, training, manifest.seed), searched(manifest.params)
    validated = manifest.metrics.get("objective") is not None
    evaluation = objective.evaluate(params) if validated else None
    checks = inspected(then, objective, evaluation) if manifest.checks else ()
    recipe = Recipe(params, manifest.seed, manifest.parent, objective if validated else None, evaluation, checks)
    text, calibration, again = assembled(then, training.noted(manifest.notes), recipe, as_of=manifest.as_of)
    made = contents_of(text, calibration, replace(again, charter_hash=manifest.charter_hash))
    stored = ModelStore(loop.workspace).contents(version)
    differing = tuple(name for name in sorted(made) if made[name] != stored[name])
    return Reproduction(version, version_of(made), differing, _moved(manifest))


def _charter_of(loop: Loop, manifest: Manifest) -> Charter:
    if manifest.charter_hash == loop.charter.hash:
        return loop.charter
    # By the hash on record: a program that knows more settings gives the same text another one.
    found = [entry for entry in loop.entries("charter.changed") if entry.payload["hash"] == manifest.charter_hash]
    if not found:
        raise RefusedError(
            f"The charter {manifest.charter_hash[:12]} by which it was trained is not in the ledger",
            "the ledger it was registered in",
            "open the workspace it was made in",
        )
    return parse_charter(found[-1].payload["text"], on_record=True)


def _snapshot_of(loop: Loop, manifest: Manifest) -> int:
    if manifest.snapshot is None or not loop.lake.has_snapshot(manifest.snapshot):
        raise NotReadyError(
            f"Snapshot {manifest.snapshot} of the lake, which it was trained on, is gone",
            "a lake that still has it",
            "restore it from a backup",
        )
    return manifest.snapshot


def _moved(manifest: Manifest) -> tuple[str, ...]:
    now = {name: importlib.metadata.version(name) for name in manifest.libraries}
    return tuple(f"{name} {then} → {now[name]}" for name, then in manifest.libraries.items() if now[name] != then)
