"""What estimates are calibrated on: labelled rows of mature windows, of the same model version where it has enough."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.labels import known_at, mature_shares
from loop_core.monitor.cut import Cut
from loop_core.monitor.estimate.binary import BinaryEstimator, fit_binary
from loop_core.monitor.estimate.threshold import spread_around
from loop_core.monitor.groups import Group, Place, read_groups
from loop_core.monitor.measure import measure
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Labelled rows, and of each class, that a calibration asks for.
MIN_ROWS, MIN_CLASS = 300, 20


@dataclass(frozen=True)
class Calibrated:
    """One version's reference."""

    start: datetime
    end: datetime
    """Exclusive."""
    own: bool
    """Its own scores; else those of the versions that served before it."""
    estimators: Mapping[str | None, BinaryEstimator]
    """Cohort value → its calibration where it has rows enough; None: everybody's."""
    bands: Mapping[tuple[str, str | None], tuple[float, float]]
    """(metric, cohort value) → where its own windows scatter."""

    def estimator(self, value: str | None) -> BinaryEstimator:
        """The calibration of a cohort value, or everybody's where it had too few rows."""
        return self.estimators.get(value, self.estimators[None])


def references(
    loop: Loop, as_of: datetime, windows: Windows, cut: Cut, metrics: tuple[str, ...], versions: Container[str | None]
) -> dict[str, Calibrated]:
    """Version → its reference, for those of the versions that served and have one.

    The reference of a version is its first mature windows, `reference_days` at most: it stays the same when later
    labels arrive, so that a model that gets worse does not become its own yardstick. A version too new to have any
    is calibrated on the mature windows before it began to serve.
    """
    shares = mature_shares(loop, as_of, windows, windows.start(None))
    ready = [w for w, share in shares if share >= loop.charter.labels.min_mature_share and windows.span(w)[1] <= as_of]
    found = {}
    tenures = loop.tenures(as_of)
    for place, (version, since) in enumerate(tenures):
        if version not in versions:
            continue
        until = tenures[place + 1][1] if place + 1 < len(tenures) else as_of
        one = _reference(loop, as_of, _Served(version, since, until, tuple(ready)), windows, cut, metrics)
        if one is not None:
            found[version] = one
    return found


@dataclass(frozen=True)
class _Served:
    version: str
    since: datetime
    until: datetime
    ready: tuple[int, ...]
    """Mature windows."""


def _reference(
    loop: Loop, as_of: datetime, served: _Served, windows: Windows, cut: Cut, metrics: tuple[str, ...]
) -> Calibrated | None:
    most = max(1, loop.charter.monitor.reference_days // windows.days)
    own = [w for w in served.ready if windows.span(w)[1] > served.since and windows.span(w)[0] < served.until][:most]
    before = [w for w in served.ready if windows.span(w)[1] <= served.since][-most:]
    for numbers, mine in ((own, True), (before, False)):
        if numbers:
            reading = known_at(loop, as_of, since=windows.span(numbers[0])[0] - timedelta(days=1))
            rows = read_groups(reading, windows, cut, (numbers[0], numbers[-1]), served.version if mine else None)
            made = _calibrated(rows, {w: windows.span(w) for w in numbers}, metrics, mine)
            if made is not None:
                return made
    return None


def _calibrated(
    rows: Mapping[Place, Group], spans: Mapping[int, tuple[datetime, datetime]], metrics: tuple[str, ...], own: bool
) -> Calibrated | None:
    mature = {place: group for place, group in rows.items() if place[0] in spans}
    if not mature:
        return None
    by_value: dict[str | None, list[Group]] = {}
    for (_, value), group in mature.items():
        by_value.setdefault(value, []).append(group)
    everybody = Group.joined(list(mature.values()))
    if not _enough(everybody):
        return None
    parts = {value: Group.joined(groups) for value, groups in by_value.items()}
    estimators = {value: fit_binary(part.scores, part.labels) for value, part in parts.items() if _enough(part)}
    estimators.setdefault(None, fit_binary(everybody.scores, everybody.labels))
    bands = {}
    for name in metrics:
        for value, groups in by_value.items():
            realised = [found.value for group in groups if (found := measure(name, group)) is not None]
            if (band := spread_around(realised)) is not None:
                bands[name, value] = band
    return Calibrated(min(spans.values())[0], max(spans.values())[1], own, estimators, bands)


def _enough(group: Group) -> bool:
    positives = int(group.labels.sum())
    return group.n >= MIN_ROWS and min(positives, group.n - positives) >= MIN_CLASS
