"""A charter whose expressions are known to work: cohorts and rules compiled against the columns it declares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from loop_core.charter import Charter, parse_charter
from loop_core.charter.parse import Location, by_line, read_charter_file, short
from loop_core.errors import CharterError, QueryError
from loop_core.lake.door import check_expression
from loop_core.lake.tables import signal_columns
from loop_core.vocabulary import Signal


def compile_charter(text: str, where: str = "charter", *, on_record: bool = False) -> Charter:
    """Parse a charter and compile its cohorts and rules: what is valid works.

    Args:
        text: TOML of the charter.
        where: names it in messages.
        on_record: it was in force before; see `parse_charter`. Its cohorts are compiled all the same, because they become
            part of queries; its rules are where batches come in.

    Raises:
        CharterError: the message lists every problem with its line.
    """
    charter = parse_charter(text, where, on_record=on_record)
    problems = list(_cohort_problems(charter)) + ([] if on_record else list(_rule_problems(charter)))
    if problems:
        todo = f"correct these lines; `loop charter check {where}` reads it again"
        raise CharterError("\n".join(by_line(text, where, problems)), "", todo)
    return charter


def compile_charter_file(path: Path) -> Charter:
    """As `compile_charter`, from a file. Raises CharterError also where it is missing, not UTF-8 or too large."""
    return compile_charter(read_charter_file(path), str(path))


def charter_problems(path: Path) -> list[str]:
    """Every problem of a charter file, one line each, in file order; empty: it is valid, and works."""
    try:
        compile_charter_file(path)
    except CharterError as error:
        return error.given.splitlines()
    return []


def _cohort_problems(charter: Charter) -> Iterator[tuple[Location, str]]:
    columns = signal_columns(charter, Signal.PREDICTIONS)
    for place, cohort in enumerate(charter.cohorts):
        if cohort.expression is not None:
            try:
                check_expression(cohort.expression, columns)
            except QueryError as error:
                yield ("cohorts", place, "expression"), f"cohort {cohort.name!r}: {str(error).rstrip('.')}"


def _rule_problems(charter: Charter) -> Iterator[tuple[Location, str]]:
    for place, rule in enumerate(charter.rules):
        columns = tuple(signal_columns(charter, rule.signal).items())
        if why := rule_problem(rule.check, columns):
            yield ("rules", place, "check"), f"rule {rule.name!r}: {why}"


@lru_cache(maxsize=1024)
def rule_problem(check: str, columns: tuple[tuple[str, str], ...]) -> str:
    """Why the check of a rule cannot be evaluated over columns (name, DuckDB type), in one sentence; empty: it can."""
    import polars as pl

    kinds: dict[str, Any] = {
        "double": pl.Float64, "varchar": pl.String, "boolean": pl.Boolean, "timestamptz": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    frame = pl.DataFrame(schema={name: kinds[kind] for name, kind in columns})
    wanted = "a true-or-false SQL expression over the signal's columns is needed"
    try:
        kind = frame.select(pl.sql_expr(check).alias("passed")).dtypes[0]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, RecursionError) as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        return f"{short(repr(check))} is not one ({short(first, 120)}); {wanted}"
    return "" if kind == pl.Boolean else f"{short(repr(check))} gives {kind}; {wanted}"
