"""The row rules of a signal, from its charter, as a dataframely schema. A rule's name says which column and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter, Column
from loop_core.errors import CharterError
from loop_core.gates.typed import REQUIRED
from loop_core.lake import signal_columns
from loop_core.lake.compile import rule_problem
from loop_core.lake.tables import EVENT_TIME
from loop_core.vocabulary import Route, Signal, Task

if TYPE_CHECKING:
    import dataframely as dy
    import polars as pl

#: dataframely's name of a check → ours.
_WORDS = {"nullability": "missing", "inf": "finite", "nan": "finite"}
#: Probabilities of all classes may miss 1 by so much: files round.
_ROUNDING = 0.01
_SOURCES = ("observed", "correction", "annotation")


def row_rules(charter: Charter, signal: Signal, as_of: datetime) -> type[dy.Schema]:
    """The schema whose `filter` parts a typed frame (the signal's columns and `_row`) into accepted and failed rows.

    Args:
        charter: column types, bounds, allowed values and `[[rules]]`.
        signal: whose rules.
        as_of: UTC instant of arrival; rows that happened later fail `<time>.future`, those before the charter's
            `gates.since` fail `<time>.too_old`.

    Raises:
        CharterError: the `check` of a rule is no SQL expression over the signal's columns.
    """
    import dataframely as dy

    _refuse_what_cannot_be_evaluated(charter, signal)
    declared = {c.name: c for c in charter.columns} if signal is Signal.PREDICTIONS else {}
    needed = {*REQUIRED[signal], *(c.name for c in declared.values() if not c.nullable)}
    members: dict[str, Any] = {
        name: _column(kind, name not in needed, _bounds(charter, name, declared.get(name)))
        for name, kind in signal_columns(charter, signal).items()
    }
    members["_row"] = dy.Int64(nullable=False)
    members[f"{EVENT_TIME[signal]}__future"] = _rule(partial(_not_after, EVENT_TIME[signal], as_of))
    members[f"{EVENT_TIME[signal]}__too_old"] = _rule(partial(_not_before, EVENT_TIME[signal], charter.gates.since))
    if signal is Signal.OUTCOMES and charter.loop.task is Task.BINARY:
        members["label__zero_or_one"] = _rule(_zero_or_one)
    if signal is Signal.PREDICTIONS:
        members["route__values"] = _rule(_known_route)
        if charter.loop.classes:
            members["score__adds_up"] = _rule(partial(_adds_up, charter.score_columns))
    for rule in charter.rules:
        if rule.signal is signal:
            members[f"{rule.name}__rule"] = _rule(partial(_checked, rule.check))
    schema: type[dy.Schema] = type(f"{signal.title()}Gate", (dy.Schema,), members)
    return schema


def rule_name(name: str) -> str:
    """dataframely's rule name → ours: `price|min` → `price.min`; a charter rule keeps the charter's name."""
    if name.endswith("__rule"):
        return name.removesuffix("__rule")
    column, _, check = name.partition("|") if "|" in name else name.rpartition("__")
    check = check.removeprefix("check__")
    return f"{column}.{_WORDS.get(check, check)}"


def _column(kind: str, nullable: bool, bounds: dict[str, Any]) -> dy.Column:
    import dataframely as dy

    if kind == "double":
        return dy.Float64(nullable=nullable, **bounds)
    if kind == "boolean":
        return dy.Bool(nullable=nullable)
    if kind == "timestamptz":
        return dy.Datetime(nullable=nullable, time_zone="UTC", time_unit="us")
    values = bounds.get("values")
    return dy.String(nullable=nullable, check={"values": partial(_among, values)} if values else None)


def _bounds(charter: Charter, name: str, column: Column | None) -> dict[str, Any]:
    if column is None:
        probability = {} if charter.loop.task is Task.REGRESSION else {"min": 0.0, "max": 1.0}
        fixed: dict[str, dict[str, Any]] = {
            "score": probability,
            **dict.fromkeys(charter.score_columns, probability),
            "latency_ms": {"min": 0.0},
            "source": {"values": _SOURCES},
        }
        return fixed.get(name, {})
    if column.type == "number":
        return {k: v for k, v in (("min", column.min), ("max", column.max)) if v is not None}
    return {"values": column.values} if column.values else {}


def _rule(expression: Callable[[], pl.Expr]) -> Any:
    import dataframely as dy

    return dy.rule()(lambda _: expression())


def _among(values: Iterable[str], column: pl.Expr) -> pl.Expr:
    return column.is_in(list(values))


def _not_after(column: str, as_of: datetime) -> pl.Expr:
    import polars as pl

    return pl.col(column) <= pl.lit(as_of, dtype=pl.Datetime("us", "UTC"))


def _not_before(column: str, since: date) -> pl.Expr:
    import polars as pl

    return pl.col(column) >= pl.lit(datetime(since.year, since.month, since.day, tzinfo=UTC), pl.Datetime("us", "UTC"))


def _zero_or_one() -> pl.Expr:
    import polars as pl

    return pl.col("label").is_in([0.0, 1.0])


def _adds_up(columns: tuple[str, ...]) -> pl.Expr:
    """All classes have a probability, together 1 (sources round), or none has."""
    import polars as pl

    whole = pl.sum_horizontal(pl.col(columns)).is_between(1 - _ROUNDING, 1 + _ROUNDING)
    return (
        pl.when(pl.all_horizontal(pl.col(columns).is_not_null()))
        .then(whole)
        .otherwise(pl.all_horizontal(pl.col(columns).is_null()))
    )


def _known_route() -> pl.Expr:
    import polars as pl

    return pl.col("route").is_in([route.value for route in Route]) | pl.col("route").str.starts_with("ab:")


def _checked(check: str) -> pl.Expr:
    import polars as pl

    return pl.sql_expr(check)


def _refuse_what_cannot_be_evaluated(charter: Charter, signal: Signal) -> None:
    """A charter in force before may hold rules that do not work; a misspelled column shows here, not mid-file."""
    columns = tuple(signal_columns(charter, signal).items())
    for rule in charter.rules:
        if rule.signal is signal and (why := rule_problem(rule.check, columns)):
            raise CharterError(f"Rule {rule.name!r} cannot be evaluated: {why}", todo="correct `check` under [[rules]]")
