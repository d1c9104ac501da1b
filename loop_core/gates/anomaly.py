"""Is this batch unlike those its source sent before? Volume, means and null shares against their own history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from loop_core.figures import numbers_apart, shares_apart
from loop_core.gates.batch_stats import BatchStats, ColumnStats, source_family
from loop_core.lake.tables import EVENT_TIME

#: A batch is judged from this many comparable earlier ones on; of its own weekday, from this many on.
MIN_EARLIER, MIN_OF_WEEKDAY = 8, 6
#: At most so many are compared with, the newest.
MOST = 28
#: Chance of calling a usual batch unusual: of its volume, and of all its columns together.
ALPHA = 0.001
#: What is smaller than this is no business of a gate, however clear: a fifth more or less rows, …
VOLUME_MARGIN = math.log(1.2)
#: … half a standard deviation of the rows' values, …
MEAN_MARGIN = 0.5
#: … two in a hundred more nulls.
NULL_MARGIN = 0.02
#: Batches of fewer rows are not judged; columns from this many rows on, because means of few skewed values are not normal.
MIN_ROWS, MIN_ROWS_OF_COLUMNS = 20, 50
#: What leaving out the farthest tenth takes from a standard deviation of 8 to 28 normal values, at the most.
_TRIMMED = 1.25


@dataclass(frozen=True)
class Anomaly:
    """One thing about a batch that its history does not explain."""

    column: str | None
    """None: the batch's rows."""
    what: str
    """`volume`, `mean` or `nulls`."""
    value: float
    """Rows, mean of the values, or share of nulls."""
    low: float
    high: float
    """Between these it would have been usual."""
    distance: float
    """How far outside, in half-widths of that interval; 0 at its edge."""

    @property
    def sentence(self) -> str:
        """For people.

        >>> Anomaly(None, "volume", 120, 800, 1300, 2.1).sentence
        'volume of 120 rows, 800 to 1,300 are usual'
        """
        if self.what == "volume":
            return f"volume of {self.value:,.0f} rows, {self.low:,.0f} to {self.high:,.0f} are usual"
        if self.what == "nulls":
            share, most = shares_apart(self.value, self.high, digits=1)
            return f"{self.column} null in {share} of the rows, at most {most} is usual"
        value, low, high = numbers_apart(self.value, self.low, self.high)
        return f"{self.column} {value} on average, {low} to {high} is usual"


@dataclass(frozen=True)
class Judgement:
    """What the history says of a batch."""

    anomalies: tuple[Anomaly, ...]
    """The farthest from usual first."""
    earlier: int
    """Batches it was compared with; or, where it was not judged, those that could be."""
    weekday: bool
    """Whether these are of the same weekday."""
    reason: str | None = None
    """Why it was not judged; None: it was."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each anomaly."""
        with_ = f"{self.earlier} earlier batches{' of this weekday' if self.weekday else ''}"
        return tuple(f"anomaly: {anomaly.sentence} ({with_})" for anomaly in self.anomalies)


def judge(batch: BatchStats, earlier: Sequence[BatchStats], timezone: str | None = None) -> Judgement:
    """Compare a batch with the earlier ones of its source.

    Each measure must lie in the prediction interval of its history (Student's t, the farthest tenth of the history left
    out, so that an incident of last month hides none of today), at the least as wide as its own sampling error (normal),
    Bonferroni over the columns, and be off by more than a margin.

    Args:
        batch: the new one.
        earlier: batches of the same signal, oldest first; those of other sources are passed over.
        timezone: in which a day begins at midnight; None: UTC.
    """
    peers, weekday = comparable(batch, earlier, timezone)
    if batch.rows < MIN_ROWS:
        return Judgement((), len(peers), weekday, f"it has {batch.rows} rows, and {MIN_ROWS} are needed")
    if len(peers) < MIN_EARLIER and not weekday:
        said = f"{len(peers)} earlier batches of this source are like it, and {MIN_EARLIER} are needed"
        return Judgement((), len(peers), weekday, said)
    columns = _columns(batch, peers) if batch.rows >= MIN_ROWS_OF_COLUMNS else ()
    found = [*_volume(batch, peers), *columns]
    return Judgement(tuple(sorted(found, key=lambda a: -a.distance)), len(peers), weekday)


def comparable(
    batch: BatchStats, earlier: Sequence[BatchStats], timezone: str | None = None
) -> tuple[list[BatchStats], bool]:
    """Earlier batches of the source over about as long a time, oldest first; and whether they are of its weekday only."""
    family = source_family(batch.source)
    alike = [
        b for b in earlier if source_family(b.source) == family and b.batch_id != batch.batch_id and _as_long(batch, b)
    ]
    if batch.daily:
        same = [b for b in alike if b.weekday(timezone) == batch.weekday(timezone)]
        if len(same) >= MIN_OF_WEEKDAY:
            return same[-MOST:], True
    return alike[-MOST:], False


def _as_long(one: BatchStats, other: BatchStats) -> bool:
    if one.daily or other.daily:
        return one.daily and other.daily
    if one.spread_days is None or other.spread_days is None:
        return one.spread_days is other.spread_days
    return 0.5 <= one.spread_days / other.spread_days <= 2


def _volume(batch: BatchStats, peers: Sequence[BatchStats]) -> Iterator[Anomaly]:
    low, high = _usual([math.log(b.rows) for b in peers if b.rows], 1 / math.sqrt(batch.rows), VOLUME_MARGIN, ALPHA / 2)
    yield from _outside(None, "volume", float(batch.rows), math.exp(low), math.exp(high), scale=math.log)


def _columns(batch: BatchStats, peers: Sequence[BatchStats]) -> Iterator[Anomaly]:
    time = EVENT_TIME[batch.signal]
    judged = [c for c in batch.columns.values() if c.column != time]
    tail = ALPHA / (3 * max(1, len(judged)))
    for column in judged:
        past = [b.columns[column.column] for b in peers if column.column in b.columns]
        past = [c for c in past if c.n and (c.total is None or math.isfinite(c.squares or 0.0))]
        if len(past) >= MIN_OF_WEEKDAY:
            yield from _nulls(column, past, tail)
            yield from _mean(column, past, tail)


def _nulls(column: ColumnStats, past: Sequence[ColumnStats], tail: float) -> Iterator[Anomaly]:
    from scipy.special import pdtrik

    share = (sum(c.nulls for c in past) + 1) / (sum(c.n for c in past) + 2)
    _, high = _usual([c.null_share for c in past], 0.0, NULL_MARGIN, tail)
    # Nulls are counted, and rare: so many of them a batch of this size may have by chance (Poisson).
    high = max(high, math.ceil(float(pdtrik(1 - tail, share * column.n))) / column.n)
    # Only too many: a column that is filled at last is no harm.
    yield from _outside(column.column, "nulls", column.null_share, 0.0, high)


def _mean(column: ColumnStats, past: Sequence[ColumnStats], tail: float) -> Iterator[Anomaly]:
    known = [c for c in past if c.mean is not None]
    if column.mean is None or len(known) < MIN_OF_WEEKDAY:
        return
    values = sum(c.n - c.nulls for c in known)
    variance = sum((c.variance or 0.0) * (c.n - c.nulls) for c in known) / values
    error = math.sqrt(variance / (column.n - column.nulls))
    means = [float(c.mean) for c in known if c.mean is not None]
    low, high = _usual(means, error, MEAN_MARGIN * math.sqrt(variance), tail)
    # Sums of equal numbers differ in their last digits.
    slack = 1e-9 * max(abs(low), abs(high))
    yield from _outside(column.column, "mean", column.mean, low - slack, high + slack)


def _usual(past: Sequence[float], error: float, margin: float, tail: float) -> tuple[float, float]:
    """The interval in which the next value is expected, with a chance of `tail` on either side."""
    from scipy.special import ndtri, stdtrit

    ordered = sorted(past)
    median = ordered[len(ordered) // 2]
    left_out = len(ordered) // 10
    kept = sorted(ordered, key=lambda value: abs(value - median))[: len(ordered) - left_out]
    k, centre = len(kept), sum(kept) / len(kept)
    between = math.sqrt(sum((v - centre) ** 2 for v in kept) / (k - 1)) * (_TRIMMED if left_out else 1.0)
    next_one = math.sqrt(1 + 1 / k)
    half = max(-float(stdtrit(k - 1, tail)) * between * next_one, -float(ndtri(tail)) * error * next_one, margin)
    return centre - half, centre + half


def _outside(
    column: str | None, what: str, value: float, low: float, high: float, scale: Callable[[float], float] = float
) -> Iterator[Anomaly]:
    if low <= value <= high:  # a value that is no number is outside
        return
    centre, half = (scale(low) + scale(high)) / 2, max((scale(high) - scale(low)) / 2, 1e-12)
    distance = abs(scale(value) - centre) / half - 1 if math.isfinite(value) else math.inf
    yield Anomaly(column, what, value, low, high, distance)
