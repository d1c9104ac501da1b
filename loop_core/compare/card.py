"""The model card: what a model is for, what it saw, how good it is, what to beware of. After Mitchell et al. 2019."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.compare.overrides import overrides_of
from loop_core.compare.scorecard import Scorecard
from loop_core.compare.store import load_scorecard
from loop_core.figures import numbers_apart
from loop_core.markdown import as_text
from loop_core.models import Manifest, ModelStore, manifest_of, what_differs
from loop_core.signed import signed_difference
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Section:
    """One part of a card."""

    title: str
    lines: tuple[str, ...]
    """Sentences; plain text."""


@dataclass(frozen=True)
class ModelCard:
    """Everything there is to say of one registered model."""

    loop: str
    version: str
    as_of: datetime
    """UTC instant it is written at; comparisons made later are not in it."""
    sections: tuple[Section, ...]

    def to_markdown(self) -> str:
        """The card as a document."""
        parts = [f"# Model {as_text(self.version)} of {self.loop}", ""]
        for section in self.sections:
            parts += [f"## {section.title}", "", *(f"- {as_text(line)}" for line in section.lines), ""]
        return "\n".join(parts)

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict a sentence."""
        return [{"section": section.title, "text": line} for section in self.sections for line in section.lines]


def model_card(loop: Loop, as_of: datetime, version: str) -> ModelCard:
    """The card of a registered model, from its manifest, its charter and its newest comparison.

    Args:
        loop: the loop.
        version: registered; an external model has a short card.
        as_of: UTC instant.

    Raises:
        UnknownNameError: not registered; the message lists those that are.
        IntegrityError: its package was changed.
    """
    manifest = manifest_of(loop, version)
    compared = [entry for entry in loop.entries("comparison.made", as_of) if entry.subject == version]
    card = load_scorecard(loop, compared[-1].payload["scorecard"]) if compared else None
    made = (
        Section("Purpose", _purpose(loop, manifest)),
        Section("Data", _data(loop, manifest)),
        Section("Validation", tuple(_validation(manifest))),
        Section("Calibration", tuple(_calibration(loop, version, manifest))),
        Section("Against the champion", tuple(_comparison(card))),
        Section("Fairness, mutation tests and contract", tuple(_further(card))),
        Section("What differs from its parent", tuple(_differences(loop, version, manifest))),
        Section("Known limits", tuple(_limits(manifest))),
        Section("Checks passed", tuple(_passed(manifest, card))),
        Section("Gates set aside", tuple(_set_aside(loop, card, as_of))),
    )
    return ModelCard(loop.name, version, as_of, tuple(section for section in made if section.lines))


def _purpose(loop: Loop, manifest: Manifest) -> tuple[str, ...]:
    about, roles = loop.charter.loop, loop.charter.roles
    said = {
        "binary": f"the probability of “{about.positive}”",
        "regression": f"a number of {about.unit or 'its label'}",
    }
    answer = said.get(manifest.task.value, f"a probability for each of {', '.join(manifest.classes)}")
    approvers = ", ".join(roles.approvers) or "anybody but who proposes"
    return (
        f"{about.purpose} It answers with {answer}.",
        f"Owner: {roles.owner}. A release needs approval by {approvers}.",
        *(f"Goal: {goal.text}" for goal in loop.charter.goals),
    )


def _data(loop: Loop, manifest: Manifest) -> tuple[str, ...]:
    if manifest.kind == "external":
        end = f"nothing from {manifest.train_end:%Y-%m-%d} on" if manifest.train_end else "unknown"
        return (f"External: only its logged scores are known here. What it saw: {end}.",)
    cohorts = ", ".join(c.name + " (protected)" * c.protected for c in loop.charter.cohorts) or "none"
    return (
        f"{manifest.n_rows:,} rows predicted {manifest.train_start:%Y-%m-%d} to {manifest.train_end:%Y-%m-%d}, with labels"
        f" as known on {manifest.as_of:%Y-%m-%d}; lake snapshot {manifest.snapshot}, seed {manifest.seed}.",
        f"{len(manifest.features)} features: {', '.join(manifest.features)}.",
        f"Declared cohorts: {cohorts}.",
        f"loop reproduce {loop.name} VERSION trains it again from that snapshot.",
    )


def _validation(manifest: Manifest) -> Iterator[str]:
    for name, value in manifest.metrics.items():
        if value is None or name in ("objective", "n_validation", "label_mean"):
            continue
        low, high = manifest.intervals.get(name, (None, None))
        told, *ends = numbers_apart(value, *([] if low is None or high is None else [low, high]), digits=4)
        inside = f" (95 % {ends[0]} to {ends[1]})" if ends else ""
        yield f"{name.replace('_', ' ')} {told}{inside}"
    n = manifest.metrics.get("n_validation")
    if n:
        yield f"On {n:,.0f} rows of later blocks that the fold's model had not seen, before calibration; what it does on the rows kept for the comparison stands below."


def _calibration(loop: Loop, version: str, manifest: Manifest) -> Iterator[str]:
    if manifest.kind == "external":
        return
    method = ModelStore(loop.workspace).load(version).calibration.method
    yield f"Map: {method}" + (" (scores are used as they are)" if method == "identity" else "") + "."
    if manifest.calibrated is not None:
        yield f"Scores were off by {manifest.calibrated:.1%} on average before the map (expected calibration error, validation rows)."
    if manifest.threshold is not None:
        yield f"From {manifest.threshold:.3f} on, yes is the cheaper answer by the charter's costs."


def _comparison(card: Scorecard | None) -> Iterator[str]:
    if card is None:
        yield "Not compared yet."
        return
    yield f"{card.badge}: {card.sentence}"
    yield f"{card.n:,} rows predicted {card.window_start:%Y-%m-%d} to {card.window_end:%Y-%m-%d}, against {card.champion or 'nobody'}. {card.proof}."
    yield from card.notes
    for cell in card.cells:
        if card.champion is None and cell.cohort is None and cell.challenger is not None:
            yield f"{cell.metric.replace('_', ' ')}: {numbers_apart(cell.challenger, digits=4)[0]}"
        if cell.cohort is None and cell.difference is not None:
            yield (
                f"{cell.metric.replace('_', ' ')}: {cell.from_to},"
                f" {signed_difference(cell.difference, cell.ci_low, cell.ci_high)}, {cell.verdict.value.replace('_', ' ')}"
                + (f"; {cell.bounds}" if cell.bounds else "")
            )


def _further(card: Scorecard | None) -> Iterator[str]:
    if card is None:
        return
    yield from (f"{gap.cohort}, {gap.sentence}" for gap in card.fairness)
    yield from (f"{test.what}: {test.state.replace('_', ' ')}. {test.sentence}" for test in card.mutations)
    yield from (f"{part.check}: {part.sentence}" for part in card.contract if part.state != "ok")


def _differences(loop: Loop, version: str, manifest: Manifest) -> Iterator[str]:
    if manifest.parent is None:
        return
    yield f"Its parent is {manifest.parent}."
    for one in what_differs(loop, manifest.parent, version):
        yield f"{one.name}: {one.first} → {one.second}"


def _limits(manifest: Manifest) -> Iterator[str]:
    yield from manifest.notes
    for code, said in manifest.checks.items():
        state, _, sentence = said.partition(": ")
        if state == "watch":
            yield f"{sentence} ({code})"
    if manifest.kind == "external":
        yield "It cannot score new rows here, so it can be compared only where its scores were logged."
    yield "It knows nothing that happened after its training; drift and late labels are watched on the pages Drift and Performance."


def _passed(manifest: Manifest, card: Scorecard | None) -> Iterator[str]:
    for said in manifest.checks.values():
        state, _, sentence = said.partition(": ")
        if state == "ok":
            yield sentence
    for gate in card.gates if card else ():
        if gate.state == "passed":
            yield f"Gate {gate.name}: {gate.sentence}"


def _set_aside(loop: Loop, card: Scorecard | None, as_of: datetime) -> Iterator[str]:
    for one in overrides_of(loop, card.id, as_of).values() if card else ():
        yield f"{one.sentence}."
