"""Mutation tests: small declared changes of one input must not move a score far, and monotone inputs only one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.charter import Charter, Column, Mutation
from loop_core.compare.inputs import MAX_ROWS, newest_inputs, scorer
from loop_core.compare.monotone import swept
from loop_core.compare.mutated import Floats, Moved, changeable, moved, mutants
from loop_core.compare.mutation_result import MutationResult, measured, most_of, number, said
from loop_core.errors import RefusedError
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

NOTHING_DECLARED = (
    "The charter declares no [[mutations]] and no monotone feature: no bound is declared, so nothing is tested"
)
EXTERNAL = "The challenger is external: only its logged scores are known, so nothing can be asked of it"


@dataclass(frozen=True)
class _Trial:
    """What every test of one comparison shares."""

    charter: Charter
    rows: pl.DataFrame
    challenger: Model
    champion: Model | None
    seed: int


def mutation_tests(
    loop: Loop, version: str, as_of: datetime, *, against: str | None = None, seed: int = 0, max_rows: int = MAX_ROWS
) -> tuple[MutationResult, ...]:
    """The charter's mutations and monotone features, tried on a model.

    Args:
        loop: the loop.
        version: registered model.
        as_of: UTC instant; the rows are drawn from the newest predictions before it.
        against: version whose result is put beside; None: the champion.
        seed: of the draw and of the noise.
        max_rows: rows at most.

    Raises:
        UnknownNameError: a version is not registered.
        IntegrityError: a package was changed.
    """
    if not declared(loop.charter):
        return untested(loop.charter, NOTHING_DECLARED)
    rows = newest_inputs(loop, as_of, seed=seed, max_rows=max_rows)
    champion = against or loop.champion(as_of)
    return tried(loop.charter, rows, scorer(loop, version), scorer(loop, champion), seed)


def declared(charter: Charter) -> tuple[Mutation | Column, ...]:
    """What the charter wants tested: its mutations, then its monotone features."""
    return (*charter.mutations, *(feature for feature in charter.features if feature.monotone))


def untested(charter: Charter, reason: str) -> tuple[MutationResult, ...]:
    """The results where nothing can be tried, or nothing is declared: no silence, which would read as passed."""
    if not declared(charter):
        return (MutationResult("", "", "", "not_tested", reason=NOTHING_DECLARED),)
    return tuple(replace(_blank(charter, one), reason=reason) for one in declared(charter))


def tried(
    charter: Charter, rows: pl.DataFrame, challenger: Model | None, champion: Model | None, seed: int
) -> tuple[MutationResult, ...]:
    """What `mutation_tests` gives for rows and models at hand; a model is None where it cannot score here."""
    if not declared(charter):
        return untested(charter, NOTHING_DECLARED)
    if challenger is None:
        return untested(charter, EXTERNAL)
    if not rows.height:
        return untested(charter, "There are no predictions yet to try it on")
    trial = _Trial(charter, rows, challenger, champion, seed)
    return tuple(_result(trial, one) for one in declared(charter))


def _result(trial: _Trial, one: Mutation | Column) -> MutationResult:
    blank = _blank(trial.charter, one)
    try:
        if isinstance(one, Column):
            return swept(blank, one, trial.rows, trial.challenger, trial.champion)
        return _mutated(trial, blank, one)
    except RefusedError as error:
        return replace(blank, reason=f"The challenger cannot score these rows: {error.given}")


def _blank(charter: Charter, one: Mutation | Column) -> MutationResult:
    """What is to be tested, without a result."""
    if isinstance(one, Column):
        return MutationResult(one.name, "monotone", "rising" if one.monotone > 0 else "falling", "not_tested")
    unit = next(f.unit or "" for f in charter.features if f.name == one.feature)
    sizes = {"noise": f"± {(one.step or 0) / 2:g} {unit}".strip(), "unit": f"× {one.factor:g}" if one.factor else ""}
    size = sizes.get(one.change, "")
    return MutationResult(one.feature, one.change, size, "not_tested", bound=one.bound, max_share=one.max_share)


def _mutated(trial: _Trial, blank: MutationResult, mutation: Mutation) -> MutationResult:
    rows = changeable(trial.rows, mutation)
    if not rows.height:
        return replace(
            blank, reason=f"None of the {trial.rows.height:,} newest rows has a value that this would change"
        )
    feature = next(f for f in trial.charter.features if f.name == mutation.feature)
    changes = list(mutants(rows, mutation, feature, _known(trial, mutation.feature), trial.seed))
    found = moved(trial.challenger, rows, changes)
    result = measured(blank, _beyond(found.size, mutation.bound), found.size)
    return _beside(_example(result, trial, rows, changes, found), trial.champion, rows, changes)


def _known(trial: _Trial, feature: str) -> set[str]:
    models = [model for model in (trial.challenger, trial.champion) if model is not None]
    return {value for model in models for value in model.manifest.categories.get(feature, ())}


def _beyond(sizes: Floats, bound: float) -> int:
    # What differs from the bound by rounding alone does not go beyond it.
    return int((sizes > bound * (1 + 1e-9)).sum())


def _example(
    result: MutationResult, trial: _Trial, rows: pl.DataFrame, changes: Sequence[pl.Series], found: Moved
) -> MutationResult:
    most = int(found.size.argmax())
    if not found.size[most]:
        return result
    classes = trial.charter.loop.classes
    return replace(
        result,
        row=str(rows["prediction_id"][most]),
        value=said(rows[result.feature][most]),
        changed=said(changes[found.way[most]][most]),
        before=number(found.before[most]),
        after=number(found.after[most]),
        of_class=classes[found.place[most]] if classes else "",
    )


def _beside(
    result: MutationResult, champion: Model | None, rows: pl.DataFrame, changes: Sequence[pl.Series]
) -> MutationResult:
    """The champion's numbers beside the challenger's, where it can score these rows."""
    if champion is None:
        return result
    try:
        sizes = moved(champion, rows, list(changes)).size
    except RefusedError:
        return result
    share = _beyond(sizes, result.bound or 0.0) / len(sizes)
    return replace(result, champion_share=share, champion_move=most_of(sizes, result))
