"""What estimates are calibrated on: labelled rows of mature windows, of the same model version where it has enough."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loop_core.labels import read_at
from loop_core.lake import Reading, quoted
from loop_core.monitor.cut import Cut
from loop_core.monitor.estimate.base import Estimator, ReferenceRows
from loop_core.monitor.estimate.methods import METHODS
from loop_core.monitor.estimate.threshold import spread_around
from loop_core.monitor.groups import Group, Place, read_groups
from loop_core.monitor.kept import kept_of
from loop_core.monitor.many import measure
from loop_core.monitor.settled import OLDEST, Asked, Stamp, Summary, read_stamped
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

#: Rows that a direct-loss estimator learns from; more would not make it tell rows apart better.
MOST_FITTED = 200_000


@dataclass(frozen=True)
class Calibrated:
    """One version's reference."""

    start: datetime
    end: datetime
    """Exclusive."""
    own: bool
    """Its own scores; else those of the versions that served before it."""
    estimators: Mapping[str | None, Estimator]
    """Cohort value → what was learnt of it where it has rows enough; None: everybody's."""
    bands: Mapping[tuple[str, str | None], tuple[float, float]]
    """(metric, cohort value) → where its own windows scatter."""

    def estimator(self, value: str | None) -> Estimator:
        """That of a cohort value, or everybody's where it had too few rows."""
        return self.estimators.get(value, self.estimators[None])


@dataclass(frozen=True)
class Known:
    """The loop's windows as known at an instant."""

    loop: Loop
    as_of: datetime
    windows: Windows
    summaries: Mapping[Place, Summary]
    """Everybody's, of all windows with scored rows."""
    stamps: Mapping[int, Stamp]
    """Window → what tells its rows and labels from any others; not of windows that still change."""

    @classmethod
    def at(cls, loop: Loop, as_of: datetime) -> Known:
        """What is stored, and what still changes from its rows."""
        windows = Windows.at(as_of, loop.charter.monitor.window_days)
        named = tuple(metric.name for metric in loop.charter.watched)
        found, stamps = read_stamped(Asked(loop, as_of, windows, (Cut(()),), named, OLDEST))
        return cls(loop, as_of, windows, found[0, 1], stamps)

    @property
    def ready(self) -> tuple[int, ...]:
        """Windows that are over and mature, oldest first."""
        asked = self.loop.charter.labels.min_mature_share
        over = {w: one for (w, _), one in self.summaries.items() if self.windows.span(w)[1] <= self.as_of}
        return tuple(w for w, one in over.items() if one.mature_share >= asked)


def references(
    known: Known, cut: Cut, metrics: tuple[str, ...], versions: Container[str | None]
) -> dict[str, Calibrated]:
    """Version → its reference, for those of the versions that served and have one.

    The reference of a version is its first mature windows, `reference_days` at most: it stays the same when later
    labels arrive, so that a model that gets worse does not become its own yardstick. A version too new to have any
    is calibrated on the mature windows before it began to serve.
    """
    tenures, ready, made = known.loop.tenures(known.as_of), known.ready, {}
    for place, (version, since) in enumerate(tenures):
        if version not in versions:
            continue
        until = tenures[place + 1][1] if place + 1 < len(tenures) else known.as_of
        one = _reference(_Asked(known, cut, metrics), _Served(version, since, until, ready))
        if one is not None:
            made[version] = one
    return made


@dataclass(frozen=True)
class _Asked:
    known: Known
    cut: Cut
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class _Served:
    version: str
    since: datetime
    until: datetime
    ready: tuple[int, ...]
    """Mature windows with scored rows."""


def _reference(asked: _Asked, served: _Served) -> Calibrated | None:
    windows = asked.known.windows
    most = max(1, asked.known.loop.charter.monitor.reference_days // windows.days)
    own = [w for w in served.ready if windows.span(w)[1] > served.since and windows.span(w)[0] < served.until][:most]
    before = [w for w in served.ready if windows.span(w)[1] <= served.since][-most:]
    for numbers, mine in ((own, True), (before, False)):
        made = _remembered(asked, numbers, served.version if mine else None) if numbers else None
        if made is not None:
            return made
    return None


def _remembered(asked: _Asked, numbers: Sequence[int], version: str | None) -> Calibrated | None:
    """Fitted once for the same rows: their windows' stamps change when they do."""
    known = asked.known
    if not known.stamps.keys() >= set(numbers):
        return _fitted(asked, numbers, version)
    stamps = tuple(known.stamps[w] for w in numbers)
    content = ("reference", known.loop.name, known.windows.days, stamps, version, asked.cut, asked.metrics)
    made: Calibrated | None = kept_of(known.loop.lake).get(content, lambda: _fitted(asked, numbers, version))
    return made


def _fitted(asked: _Asked, numbers: Sequence[int], version: str | None) -> Calibrated | None:
    known, windows = asked.known, asked.known.windows
    spans = {w: windows.span(w) for w in numbers}
    (start, _), (_, end) = spans[numbers[0]], spans[numbers[-1]]
    reading = read_at(known.loop, known.as_of, since=start - timedelta(days=1), until=end)
    rows = read_groups(reading, windows, asked.cut, (numbers[0], numbers[-1]), version)
    mature = {place: group for place, group in rows.items() if place[0] in spans}
    method = METHODS[known.loop.charter.loop.task]
    if not mature or not method.enough(everybody := Group.joined(list(mature.values()))):
        return None
    by_value: dict[str | None, list[Group]] = {}
    for (_, value), group in mature.items():
        by_value.setdefault(value, []).append(group)
    features = _features(reading, windows, numbers, version) if method.features else None
    parts = {value: Group.joined(groups) for value, groups in by_value.items()}
    estimators = method.fit(ReferenceRows(known.loop.charter, everybody, parts, features))
    return Calibrated(start, end, version is not None, estimators, _bands(by_value, asked.metrics))


def _features(reading: Reading, windows: Windows, numbers: Sequence[int], version: str | None) -> pl.DataFrame:
    """Labelled rows with the charter's features, always the same ones where there are too many."""
    names = ", ".join(quoted(feature.name) for feature in reading.charter.features)
    return reading.frame(
        f"""select {names}, score, label from rows where label is not null and isfinite(score)
            and predicted_at >= $first and predicted_at < $last and list_contains($numbers, {windows.sql("predicted_at")})
            and ($version is null or model_version = $version) order by hash(prediction_id), prediction_id limit {MOST_FITTED}""",
        first=windows.span(numbers[0])[0],
        last=windows.span(numbers[-1])[1],
        numbers=list(numbers),
        version=version,
        **windows.parameters(),
    )


def _bands(
    by_value: Mapping[str | None, Sequence[Group]], metrics: tuple[str, ...]
) -> dict[tuple[str, str | None], tuple[float, float]]:
    """(metric, cohort value) → where its windows scatter."""
    found = {}
    for value, groups in by_value.items():
        measured = [measure(metrics, group) for group in groups]
        for name in metrics:
            realised = [told.value for one in measured if (told := one[name]) is not None]
            if (band := spread_around(realised)) is not None:
                found[name, value] = band
    return found
