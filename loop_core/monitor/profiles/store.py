"""Profiles in the lake: the tables, and which bins and which snapshot they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loop_core.lake import Transaction, quoted
from loop_core.lake.tables import PROFILE_STATE, PROFILES
from loop_core.monitor.kept import kept_of
from loop_core.monitor.profiles.binning import Binning, CategoryBins, NumberBins
from loop_core.monitor.profiles.plan import RATING, UNRATED, Plan, Rated, Scored, Span
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = tuple(name for name in PROFILES if name != "binning")
_KEY = "binning, day, subject, cohort, cohort_value"


@dataclass(frozen=True)
class Mark:
    """What the stored profiles are of."""

    snapshot: int
    """Every row up to this snapshot is counted, none after."""
    binning: str
    key: str
    stored: int
    """Profile rows when they were last summed up …"""
    added: int
    """… and added since."""


class MovedError(Exception):
    """Another process moved the mark first; never leaves this stage."""


def read_mark(loop: Loop) -> Mark | None:
    """The mark; None: there are no profiles."""
    return _mark(loop.lake.rows(_select(loop)))


def read_plan(loop: Loop, mark: Mark) -> Plan:
    """The bins of the stored profiles."""
    plan: Plan = kept_of(loop.lake).get(("plan", loop.name, mark.binning), lambda: _plan(loop, mark))
    return plan


def _plan(loop: Loop, mark: Mark) -> Plan:
    found = loop.lake.rows(
        f"select kind, subject, edges, kept, rare, once, first_day, end_day, n from {loop.table('binnings')} where binning = $id",
        {"id": mark.binning},
    )
    bins: dict[str, Binning] = {}
    cohorts: dict[str, tuple[str, ...]] = {}
    said: dict[str, NumberBins] = {}
    served, rated, span, rows, days = None, UNRATED, None, 0, 1
    for kind, subject, edges, kept, rare, once, first, end, n in found:
        if kind == "number":
            bins[subject] = NumberBins(tuple(edges))
        elif kind == "category":
            bins[subject] = CategoryBins(tuple(kept), frozenset(rare), 0.0, frozenset(once))
        elif kind == "cohort":
            cohorts[subject] = tuple(kept)
        elif kind == "score":
            said[kept[0]], served = NumberBins(tuple(edges)), (subject, Span(first, end))
        elif kind == "rating":
            rated = Rated(NumberBins(tuple(edges)), n)
        else:
            span, rows, days = Span(first, end), n, int(subject)
    assert span is not None
    scored = Scored(*served, said) if served else None
    order = [c.name for c in loop.charter.features if c.name in bins]
    return Plan(mark.key, span, days, {name: bins[name] for name in order}, cohorts, rows, scored, rated)


def add(
    tx: Transaction,
    loop: Loop,
    was: Mark,
    snapshot: int,
    deltas: Iterable[pl.DataFrame],
    anew: Sequence[str] = (),
) -> Mark:
    """Add signed counts and move the mark on.

    Args:
        tx: the transaction.
        loop: the loop.
        was: the mark, as read in `snapshot`.
        snapshot: up to which the rows are counted then.
        deltas: see `Tally.frames`.
        anew: columns whose counts take the place of what is stored.

    Raises:
        MovedError: it is not where it was.
    """
    if tx.snapshot() != snapshot:
        _expect(tx, loop, was)
    if anew:
        tx.execute(f"delete from {loop.table('profiles')} where list_contains($anew, subject)", {"anew": list(anew)})
    rows = _append(tx, loop, was.binning, deltas)
    added = was.added + rows
    if added > 2 * was.stored + 100_000:
        stored, added = sum_up(tx, loop), 0
    else:
        stored = was.stored
    return _move(tx, loop, Mark(snapshot, was.binning, was.key, stored, added))


def replace(
    tx: Transaction, loop: Loop, was: Mark | None, plan: Plan, snapshot: int, rows: Iterable[pl.DataFrame]
) -> Mark:
    """Put new bins and counts in place of all there is.

    Raises:
        MovedError: the mark is not where it was.
    """
    _expect(tx, loop, was)
    tx.execute(f"delete from {loop.table('profiles')}")
    tx.execute(f"delete from {loop.table('binnings')}")
    tx.register("new_bins", _bins_frame(plan))
    tx.execute(f"insert into {loop.table('binnings')} by name from new_bins")
    stored = _append(tx, loop, plan.id, rows)
    return _move(tx, loop, Mark(snapshot, plan.id, plan.key, stored, 0))


def sum_up(tx: Transaction, loop: Loop) -> int:
    """Put one row in place of all that are about the same day, column and cohort value; rows left."""
    table = loop.table("profiles")
    rows = tx.execute(f"select count(*) from {table}")[0][0]
    groups = tx.execute(f"select count(*) from (select 1 from {table} group by {_KEY})")[0][0]
    if rows == groups:
        return int(rows)
    sums = "sum(n)::bigint as n, sum(nulls)::bigint as nulls, sum(finite)::bigint as finite, sum(total) as total, sum(squares) as squares"
    tx.execute(
        f"""create or replace temp table summed as
        with several as (select {_KEY} from {table} group by {_KEY} having count(*) > 1),
        twice as (select p.* from {table} as p join several as s on p.binning = s.binning and p.day = s.day and p.subject = s.subject
          and p.cohort is not distinct from s.cohort and p.cohort_value is not distinct from s.cohort_value),
        lists as (select {_KEY}, {sums}, list(counts) as several from twice group by {_KEY})
        select * exclude (several), list_transform(range(1, len(several[1]) + 1),
          lambda k: list_sum(list_transform(several, lambda c: c[k]))::integer) as counts from lists"""
    )
    tx.execute(
        f"""delete from {table} as p using summed as s where p.binning = s.binning and p.day = s.day and p.subject = s.subject
          and p.cohort is not distinct from s.cohort and p.cohort_value is not distinct from s.cohort_value"""
    )
    # What was taken away again as often as it was added is gone.
    tx.execute(
        f"insert into {table} by name select * from summed where list_aggregate(list_transform(counts, lambda c: abs(c)), 'sum') > 0"
    )
    return int(groups)


def compact(loop: Loop, was: Mark, snapshot: int, *, actor: str) -> None:
    """`sum_up` in a transaction of its own, and move the mark on to a snapshot until which nothing changed.

    Raises:
        MovedError: the mark is not where it was.
    """

    def body(tx: Transaction) -> None:
        _expect(tx, loop, was)
        stored = sum_up(tx, loop) if was.added else was.stored
        _move(tx, loop, Mark(snapshot, was.binning, was.key, stored, 0))

    loop.lake.write(body, actor=actor, message="profiles summed up")


def _append(tx: Transaction, loop: Loop, binning: str, frames: Iterable[pl.DataFrame]) -> int:
    import polars as pl

    found = [frame for frame in frames if frame.height]
    if not found:
        return 0
    together = pl.concat(found)
    tx.register("new_profiles", together)
    names = ", ".join(quoted(c) for c in _COLUMNS)
    tx.execute(
        f"insert into {loop.table('profiles')} (binning, {names}) select $binning, {names} from new_profiles",
        {"binning": binning},
    )
    return together.height


def _expect(tx: Transaction, loop: Loop, was: Mark | None) -> None:
    if _mark(tx.execute(_select(loop))) != was:
        raise MovedError


def _move(tx: Transaction, loop: Loop, mark: Mark) -> Mark:
    # Two transactions that delete the same row cannot both commit: that is what makes racing refreshes safe.
    tx.execute(f"delete from {loop.table('profile_state')}")
    values: Mapping[str, Any] = vars(mark)
    tx.execute(
        f"insert into {loop.table('profile_state')} ({', '.join(values)}) values ({', '.join(f'${v}' for v in values)})",
        values,
    )
    return mark


def _select(loop: Loop) -> str:
    return f"select {', '.join(PROFILE_STATE)} from {loop.table('profile_state')}"


def _mark(rows: list[tuple[Any, ...]]) -> Mark | None:
    return Mark(*rows[0]) if rows else None


def _bins_frame(plan: Plan) -> pl.DataFrame:
    import polars as pl

    span = {"first_day": plan.span.start, "end_day": plan.span.end}
    rows: list[dict[str, Any]] = [{"kind": "span", "subject": str(plan.window_days), **span, "n": plan.rows}]
    for name, bins in plan.bins.items():
        if isinstance(bins, NumberBins):
            rows.append({"kind": "number", "subject": name, "edges": list(bins.edges)})
        elif isinstance(bins, CategoryBins):
            lists = {"kept": list(bins.kept), "rare": sorted(bins.rare), "once": sorted(bins.once)}
            rows.append({"kind": "category", "subject": name, **lists})
    rows.append({"kind": "rating", "subject": RATING, "edges": list(plan.rated.bins.edges), "n": plan.rated.rows})
    rows += [{"kind": "cohort", "subject": name, "kept": list(values)} for name, values in plan.cohorts.items()]
    if plan.scored:
        own = plan.scored
        days = {"first_day": own.span.start, "end_day": own.span.end}
        rows += [
            {"kind": "score", "subject": own.version, "kept": [name], "edges": list(bins.edges), **days}
            for name, bins in own.bins.items()
        ]
    texts = pl.List(pl.String)
    schema: dict[str, Any] = {"kind": pl.String, "subject": pl.String, "edges": pl.List(pl.Float64), "kept": texts}
    schema |= {"rare": texts, "once": texts, "first_day": pl.Date, "end_day": pl.Date, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema).with_columns(binning=pl.lit(plan.id))
