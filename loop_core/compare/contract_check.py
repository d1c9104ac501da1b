"""Do a model's inputs and outputs fit what its callers send and expect: the charter, and the newest rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.charter import Charter, parse_charter
from loop_core.compare.contract_result import ContractResult, ContractState
from loop_core.compare.inputs import MAX_ROWS, newest_inputs, scorer
from loop_core.compare.outputs import judged_outputs, logged_outputs
from loop_core.errors import CharterError, RefusedError
from loop_core.figures import numbers_apart
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Manifest, Model

#: Rows that are asked again with each input missing.
_NULL_ROWS = 100


def contract_check(
    loop: Loop, version: str, as_of: datetime, *, seed: int = 0, max_rows: int = MAX_ROWS
) -> tuple[ContractResult, ...]:
    """A model against the charter and the newest rows, as its callers will meet it.

    Args:
        loop: the loop.
        version: registered model; of an external one only the logged answers are looked at.
        as_of: UTC instant; the rows are drawn from the newest predictions before it.
        seed: of the draw.
        max_rows: rows at most.

    Raises:
        UnknownNameError: the version is not registered.
        IntegrityError: its package was changed.
    """
    model = scorer(loop, version)
    if model is None:
        return external_check(loop, version, as_of)
    return checked(loop, model, newest_inputs(loop, as_of, seed=seed, max_rows=max_rows))


def external_check(
    loop: Loop, version: str, as_of: datetime, snapshot: int | None = None
) -> tuple[ContractResult, ...]:
    """What can be said of a model of which only logged answers are known."""
    scores = logged_outputs(loop, version, as_of, snapshot)
    unknown = "It is external: what it needs as input is its maker's affair, and is not known here."
    outputs = _outputs(*judged_outputs(loop.charter, scores, len(scores)))
    return ContractResult("inputs", "unknown", unknown, "ask its maker for a contract of its inputs"), outputs


def checked(loop: Loop, model: Model, rows: pl.DataFrame) -> tuple[ContractResult, ...]:
    """What `contract_check` gives for a model and rows at hand: `prediction_id` and the charter's features."""
    charter, manifest = loop.charter, model.manifest
    asked = (_inputs(charter, manifest), _units(loop, manifest), _categories(charter, manifest, rows))
    answered: tuple[ContractResult, ...]
    try:
        answered = (_nulls(charter, model, rows), _answers(charter, model, rows))
    except RefusedError as error:
        said = f"It cannot score the newest rows: {error.given}."
        answered = tuple(ContractResult(name, "broken", said, error.todo) for name in ("nulls", "outputs"))
    return (*asked, *answered, _task(charter, manifest))


# -- what it is asked -------------------------------------------------------------------------------------------


def _inputs(charter: Charter, manifest: Manifest) -> ContractResult:
    features, context = {f.name: f for f in charter.features}, {c.name for c in charter.context}
    wrong = []
    for name in manifest.features:
        if name not in features:
            wrong.append(f"{name} is context, not a feature" if name in context else f"{name} is no column any more")
        elif features[name].type != manifest.types[name]:
            wrong.append(f"{name} was a {manifest.types[name]} and is a {features[name].type}")
    if wrong:
        return ContractResult("inputs", "broken", f"{_listed(wrong)}.", "train on the features of today's charter")
    unused = [name for name in features if name not in manifest.features]
    aside = f" It does without {', '.join(unused)}." if unused else ""
    said = f"All of its {len(manifest.features)} inputs are features of the charter, of the type it was trained on."
    return ContractResult("inputs", "ok", said + aside)


def _units(loop: Loop, manifest: Manifest) -> ContractResult:
    """Units are no part of a package: those of the charter that it was trained under are compared with today's."""
    then = _charter_of(loop, manifest.charter_hash)
    if then is None:
        return ContractResult("units", "unknown", "The charter that it was trained under is not on record.")
    was = {feature.name: feature.unit for feature in then.features}
    now = {feature.name: feature.unit for feature in loop.charter.features}
    changed = [
        f"{name} was in {was[name] or 'no unit'} and is in {now[name] or 'no unit'}"
        for name in manifest.features
        if name in was and name in now and was[name] != now[name]
    ]
    if changed:
        return ContractResult("units", "broken", f"{_listed(changed)}.", "train it on values in today's units")
    return ContractResult(
        "units", "ok", f"Units are those it was trained on ({sum(map(bool, now.values()))} declared)."
    )


def _charter_of(loop: Loop, content: str) -> Charter | None:
    if content == loop.charter.hash:
        return loop.charter
    found = [entry for entry in loop.entries("charter.changed") if entry.payload["hash"] == content]
    try:
        return parse_charter(found[-1].payload["text"], on_record=True) if found else None
    except CharterError:
        return None


def _categories(charter: Charter, manifest: Manifest, rows: pl.DataFrame) -> ContractResult:
    import polars as pl

    said = []
    for name, known in manifest.categories.items():
        if name not in rows.columns:
            continue
        values = rows[name].drop_nulls().cast(pl.String)
        new = values.filter(~values.is_in(list(known)))
        allowed = next((f.values for f in charter.features if f.name == name), ())
        never = [value for value in allowed if value not in known]
        if len(new):
            most = new.value_counts(sort=True).row(0)[0]
            said.append(f"{name} has a value it does not know in {len(new) / rows.height:.1%} of rows, mostly {most!r}")
        elif never:
            said.append(f"{name} may be {', '.join(never[:3])}, which it never saw")
    if said:
        todo = "look at those rows; it takes such values for missing ones"
        return ContractResult("categories", "watch", f"{_listed(said)}.", todo)
    n = f"{len(manifest.categories)} of its inputs are categories; " if manifest.categories else "None is a category; "
    return ContractResult("categories", "ok", f"{n}it knows every value of the newest {rows.height:,} rows.")


def _nulls(charter: Charter, model: Model, rows: pl.DataFrame) -> ContractResult:
    """Each input that may be missing is taken away from some rows, and then all of them at once."""
    import polars as pl

    nullable = [f.name for f in charter.features if f.nullable and f.name in model.manifest.features]
    some = rows.head(_NULL_ROWS)
    if not some.height or not nullable:
        why = "No input of it may be missing." if not nullable else "There are no rows yet to try it on."
        return ContractResult("nulls", "ok" if not nullable else "unknown", why)
    ways = [[name] for name in nullable] + [nullable]
    asked = [some.with_columns(pl.lit(None, rows.schema[name]).alias(name) for name in way) for way in ways]
    scores = model.score(pl.concat(asked)).reshape(len(ways), -1)
    failed = [" and ".join(way) if len(way) < len(nullable) else "all of them" for way in _where(ways, scores)]
    if failed:
        said = f"Without {_listed(failed)} it says no number, and the charter allows that to be missing."
        return ContractResult("nulls", "broken", said, "train it on rows where they are missing, or forbid it")
    return ContractResult(
        "nulls", "ok", f"It answers with any of {len(nullable)} inputs missing, and with all of them."
    )


def _where(ways: list[list[str]], scores: np.ndarray) -> Iterator[list[str]]:
    yield from (way for way, answers in zip(ways, scores, strict=True) if not np.isfinite(answers).all())


# -- what it answers --------------------------------------------------------------------------------------------


def _answers(charter: Charter, model: Model, rows: pl.DataFrame) -> ContractResult:
    scores = model.score(rows) if rows.height else np.empty(0)
    return _outputs(*judged_outputs(charter, scores, rows.height))


def _outputs(state: ContractState, sentence: str) -> ContractResult:
    steps = {"broken": "do not release it: callers would break", "watch": "look at what it was trained on"}
    return ContractResult("outputs", state, sentence, steps.get(state, ""))


def _task(charter: Charter, manifest: Manifest) -> ContractResult:
    about = charter.loop
    if manifest.task is not about.task or manifest.classes != about.classes:
        theirs, ours = (f"{t.value} {', '.join(c)}".strip() for t, c in ((manifest.task, manifest.classes), (about.task, about.classes)))  # fmt: skip
        said = f"It answers as {theirs}; callers expect {ours}."
        return ContractResult("task", "broken", said, "train it for the task and the classes of today's charter")
    wanted, has = charter.threshold, manifest.threshold
    if wanted is not None and has is None:
        said = f"It names no threshold; by the charter's costs yes begins at {wanted:.3f}."
        return ContractResult("task", "watch", said, "let callers take the charter's, or train it again")
    if wanted is not None and has is not None and abs(wanted - has) > 1e-9:
        here, now = numbers_apart(has, wanted)
        said = f"Its yes begins at {here}; by the charter's costs of today it begins at {now}."
        return ContractResult("task", "broken", said, "train it again, so that package and charter agree")
    at = f" and its yes begins at {wanted:.3f}, as the charter's costs say" if wanted is not None else ""
    return ContractResult("task", "ok", f"It answers as {about.task.value}{at}.")


def _listed(said: list[str]) -> str:
    return "; ".join(said[:4]) + (f" and {len(said) - 4} more" if len(said) > 4 else "")
