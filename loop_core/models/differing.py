"""What differs between two models, and nothing of what they share: data, features, parameters, calibration, libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loop_core.models.manifest import Manifest
from loop_core.models.registry import manifest_of
from loop_core.models.store import ModelStore
from loop_core.workspace import Loop

#: What stands where one of the two has nothing.
NONE = "–"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in both."""

    part: str
    """`data`, `features`, `parameters`, `calibration` or `libraries`."""
    name: str
    """What it is, e.g. `num_leaves`."""
    first: str
    """How it is in the first model, in words; `–`: it has none."""
    second: str
    """How it is in the second."""


def what_differs(loop: Loop, first: str, second: str) -> tuple[Difference, ...]:
    """Only what differs between the manifests of two registered models; nothing: they were made alike.

    Of an external model only its training end is known, so nothing is said of how the two were made.

    Args:
        loop: the loop.
        first, second: registered versions.

    Raises:
        UnknownNameError: a version is not registered.
        IntegrityError: a package was changed.

    Example: `what_differs(loop, loop.champion(as_of), "3fa9…")[0].name` → `rows`.
    """
    a, b = manifest_of(loop, first), manifest_of(loop, second)
    pairs: list[tuple[str, str, Any, Any]] = [("data", *one) for one in _data(a, b)]
    if "external" not in (a.kind, b.kind):
        pairs += [("features", *one) for one in _features(a, b)]
        pairs += [("parameters", *one) for one in _each(a.params, b.params)]
        was, now = (ModelStore(loop.workspace).load(version).calibration.method for version in (first, second))
        pairs += [("calibration", "map", was, now), ("calibration", "threshold", a.threshold, b.threshold)]
        pairs += [("libraries", *one) for one in _each(a.libraries, b.libraries)]
    return tuple(Difference(part, name, _said(was), _said(now)) for part, name, was, now in pairs if was != now)


def _data(a: Manifest, b: Manifest) -> Iterator[tuple[str, Any, Any]]:
    yield "made by", a.kind, b.kind
    yield "training ends", a.train_end, b.train_end
    if "external" in (a.kind, b.kind):
        return
    yield "training starts", a.train_start, b.train_start
    yield "rows", a.n_rows, b.n_rows
    yield "charter", a.charter_hash[:12], b.charter_hash[:12]
    yield "lake snapshot", a.snapshot, b.snapshot
    yield "seed", a.seed, b.seed


def _features(a: Manifest, b: Manifest) -> Iterator[tuple[str, Any, Any]]:
    gained, lost = (", ".join(sorted({*x.features} - {*y.features})) for x, y in ((b, a), (a, b)))
    yield "features gained", None, gained or None
    yield "features lost", lost or None, None
    for name in sorted({*a.features} & {*b.features}):
        yield f"type of {name}", a.types.get(name), b.types.get(name)
        known, seen = a.categories.get(name, ()), b.categories.get(name, ())
        if {*known} != {*seen}:
            new, gone = len({*seen} - {*known}), len({*known} - {*seen})
            yield f"values of {name}", f"{len(known):,}", f"{len(seen):,} ({new:,} new, {gone:,} gone)"


def _each(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, a.get(name), b.get(name)) for name in sorted({*a, *b})]


def _said(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value)
