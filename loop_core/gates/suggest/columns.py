"""Row rules, and shares of nulls: what the values of each column were like in the reference period."""

from __future__ import annotations

from collections.abc import Iterator

from loop_core.charter import Column
from loop_core.gates.suggest.period import MIN_FOR_SHARES, MIN_ROWS, Period, outward
from loop_core.gates.suggest.suggestion import Suggestion
from loop_core.lake import quoted
from loop_core.vocabulary import Signal

#: From this many rows without a single null on, null is proposed as wrong (so it is rarer than 3 in 1,000 with 95 %).
MIN_FOR_NOT_NULL = 1_000
#: A closed list has at most so many values, each seen at least so often.
MAX_VALUES, MIN_SEEN = 50, 5
#: A share of nulls above this is no rule.
MAX_NULL_SHARE = 0.9


def column_rules(period: Period, notes: list[str]) -> Iterator[Suggestion]:
    """Proposals for every declared column, in the charter's order; `notes` gains what is not proposed, and why."""
    taken = {rule.name for rule in period.charter.rules}
    for column in period.charter.columns:
        for rule in (*_values(period, column, notes), *_nulls(period, column, notes)):
            if rule.key not in taken:
                yield rule


def _values(period: Period, column: Column, notes: list[str]) -> Iterator[Suggestion]:
    if column.type == "number":
        yield from _range(period, column, notes)
    elif column.type == "category" and not column.values:
        yield from _categories(period, column, notes)


# Thirds of the period tell whether a column's ends move with time.
_THIRD = "(epoch_us(predicted_at) - epoch_us($first)) * 3 // (epoch_us($last) - epoch_us($first))"
_SPANNED = f"select *, {_THIRD} as third from predictions where predicted_at >= $first and predicted_at < $last"


def _range(period: Period, column: Column, notes: list[str]) -> Iterator[Suggestion]:
    """Beyond the extreme thousandths by as much again as they are from the median, and well beyond the extremes: the
    next period's will be others. No bound where that end of the column moves with time."""
    n, least, most, quantiles, lows, highs = period.rows(_numbers(quoted(column.name)), {"spanned": _SPANNED})[0]
    if n < MIN_ROWS or least == most:
        why = f"{n:,} values in the reference, {MIN_ROWS} are needed" if n < MIN_ROWS else f"always {least:g}"
        notes.append(f"a range of {column.name}: {why}")
        return
    low, median, high = (float(q) for q in quantiles)
    lower = min(least - (median - least) / 2, 2 * low - median)
    lower = 0.0 if least >= 0 > lower else lower
    upper = max(most + (most - median) / 2, 2 * high - median)
    checks = []
    if column.min is None and not _moves([median - v for v in lows if v is not None]):
        checks.append(f"{column.name} >= {outward(lower, up=False):.12g}")
    if column.max is None and not _moves([v - median for v in highs if v is not None]):
        checks.append(f"{column.name} <= {outward(upper, up=True):.12g}")
    if len(checks) < (column.min is None) + (column.max is None):
        notes.append(f"a bound of {column.name}: that end of it moved outward in every third of the reference")
    if checks:
        evidence = f"{n:,} values from {least:g} to {most:g}, 99.8 % of them from {low:g} to {high:g}"
        yield Suggestion("range", Signal.PREDICTIONS, _named(column, "range"), " and ".join(checks), evidence, row=True)


def _numbers(x: str) -> str:
    ends = ", ".join(
        "[" + ", ".join(f"quantile_disc({x}, {level}) filter (third = {k})" for k in range(3)) + "]"
        for level in (0.01, 0.99)
    )
    return f"select count({x}), min({x}), max({x}), quantile_disc({x}, [0.001, 0.5, 0.999]), {ends} from spanned"


def _moves(ends: list[float]) -> bool:
    """Whether an end of the column is farther out in each third of the period, at last by a quarter."""
    return len(ends) == 3 and ends[0] < ends[1] < ends[2] and ends[2] > 1.25 * ends[0]


_CATEGORIES = """
    select {x}, count(*) as n, min(predicted_at), count(*) over () from predictions
    where predicted_at >= $first and predicted_at < $last and {x} is not null group by {x} order by n desc, {x} limit $limit"""


def _categories(period: Period, column: Column, notes: list[str]) -> Iterator[Suggestion]:
    """A closed list where the reference has shown all there is: few values, none rare, none new in its last third.

    With a value seen once, the chance that the next row brings another new one is about the share of such values (Good
    1953); lists with a tail are never closed.
    """
    found = period.rows(_CATEGORIES.format(x=quoted(column.name)), limit=MAX_VALUES + 1)
    n = sum(count for _, count, *_ in found)
    late = period.start + (period.end - period.start) * 2 / 3
    if not found or n < MIN_ROWS:
        why = f"{n:,} values in the reference, {MIN_ROWS} are needed"
    elif found[0][3] > MAX_VALUES:
        why = f"{found[0][3]:,} values, the list would not end"
    elif found[-1][1] < MIN_SEEN:
        rare = sum(count < MIN_SEEN for _, count, *_ in found)
        why = f"{rare} of its {len(found)} values occurred fewer than {MIN_SEEN} times, so others will come"
    elif any(first >= late for _, _, first, _ in found):
        why = "a value was new in the last third of the reference"
    else:
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(value for value, *_ in found))
        evidence = (
            f"{len(found)} values in {n:,} rows, the rarest {found[-1][1]:,} times, none new since {late:%Y-%m-%d}"
        )
        yield Suggestion("categories", Signal.PREDICTIONS, _named(column, "known"), f"{column.name} in ({listed})", evidence, row=True)  # fmt: skip
        return
    notes.append(f"a closed list for {column.name}: {why}")


_EMPTY = """
    select {x} is null as empty, predicted_at, batch_id from predictions
    where predicted_at >= $first and predicted_at < $last"""
_GROUPS = """
    select avg(empty::int) as share, count(*) as n from spanned group by epoch_us(predicted_at) // 86400000000
    union all select avg(empty::int), count(*) from spanned group by batch_id"""
_NULLS = """
    select (select count(*) from spanned), (select count(*) filter (empty) from spanned), max(share) from groups where n >= $least"""


def _nulls(period: Period, column: Column, notes: list[str]) -> Iterator[Suggestion]:
    if not column.nullable or column.name in period.charter.gates.predictions.max_null_share:
        return
    n, nulls, worst = period.rows(
        _NULLS,
        {"spanned": _EMPTY.format(x=quoted(column.name)), "groups": _GROUPS},
        least=MIN_FOR_SHARES,
    )[0]
    if nulls == n:
        notes.append(f"nulls of {column.name}: it has no value in the reference")
    elif nulls == 0 and n >= MIN_FOR_NOT_NULL:
        evidence = f"never null in {n:,} rows"
        yield Suggestion("nulls", Signal.PREDICTIONS, _named(column, "there"), f"{column.name} is not null", evidence, row=True)  # fmt: skip
    elif worst is not None:
        share, worst = nulls / n, max(nulls / n, float(worst))
        limit = outward(max(2 * worst, share + 0.05), up=True)
        if limit > MAX_NULL_SHARE:
            notes.append(f"a limit on nulls of {column.name}: it is null in {share:.1%} of the rows")
            return
        evidence = f"null in {share:.2%} of {n:,} rows, on no day or in no batch in more than {worst:.1%}"
        yield Suggestion(
            "nulls", Signal.PREDICTIONS, f"max_null_share.{column.name}", f"{limit:g}", evidence, row=False
        )


def _named(column: Column, what: str) -> str:
    """The name of a row rule: at most 63 characters."""
    return f"{column.name[: 62 - len(what)]}_{what}"
