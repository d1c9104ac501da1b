"""Run a scenario week by week into Parquet files and its truth file. Memory holds one week at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loop_core.errors import RefusedError, StorageError
from loop_core.signals.simulate import tables
from loop_core.signals.simulate.delivery import deliver
from loop_core.signals.simulate.orders import draw_orders, rows_per_week
from loop_core.signals.simulate.record import SellerRecord
from loop_core.signals.simulate.scenario import Event, Scenario
from loop_core.signals.simulate.voices import speak
from loop_core.signals.simulate.world import make_sellers

if TYPE_CHECKING:
    import polars as pl
    import pyarrow.parquet as pq

Progress = Callable[[float, str], None]
TABLES = ("predictions", "outcomes", "feedback", "scores")


@dataclass(frozen=True)
class SimulationReport:
    """What was written."""

    folder: Path
    seed: int
    predictions: int
    outcomes: int
    feedback: int
    scores: int
    """Rows of each."""
    files: tuple[Path, ...]
    """Parquet files, then truth.json."""
    events: tuple[Event, ...]


def simulate(
    folder: Path,
    *,
    rows: int | None = None,
    seed: int | None = None,
    scenario: Scenario,
    progress: Progress | None = None,
) -> SimulationReport:
    """Write `predictions-YYYY.parquet`, `outcomes-…`, `feedback-…`, `scores-…` (by the order's year), `truth.json`.

    The same scenario, rows and seed give the same content. Nothing that became known on or after `scenario.end` is
    written: the files are an export of that day.

    Args:
        folder: made if absent; must hold no earlier simulation.
        rows: predictions; None: the scenario's own number.
        seed: None: the scenario's own.

    Raises:
        RefusedError: fewer rows than weeks, or the folder holds a simulation.
        StorageError: the folder cannot be written.
    """
    rows, seed = rows or scenario.rows, scenario.seed if seed is None else seed
    if rows < len(scenario.weeks):
        raise RefusedError(
            f"{rows} rows over {len(scenario.weeks)} weeks", f"at least {len(scenario.weeks)} rows", "ask for more"
        )
    if any(folder.glob("*.parquet")):
        raise RefusedError(
            f"{folder} already holds Parquet files", "a new or empty folder", "choose another, or remove them"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        counts, touched = _write_weeks(folder, scenario, rows, seed, progress or (lambda share, text: None))
        (folder / "truth.json").write_text(
            json.dumps(_truth(scenario, seed, counts, touched), indent=2) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error})", "a folder with free space", "choose another"
        ) from None
    files = (*sorted(folder.glob("*.parquet")), folder / "truth.json")
    return SimulationReport(folder, seed, **counts, files=files, events=scenario.events)


def _write_weeks(
    folder: Path, scenario: Scenario, rows: int, seed: int, progress: Progress
) -> tuple[dict[str, int], list[int]]:
    counts, touched = dict.fromkeys(TABLES, 0), [0] * len(scenario.events)
    with ExitStack() as stack:
        writers: dict[str, tuple[str, pq.ParquetWriter]] = {}
        for week, frames in _weeks(scenario, rows, seed):
            for table, frame in frames.items():
                counts[table] += frame.height
                if frame.height:
                    _append(stack, writers, folder, f"{table}-{scenario.weeks[week]:%Y}", frame)
            for index, event in enumerate(scenario.events):
                touched[index] += _touched(event, frames["predictions"])
            progress((week + 1) / len(scenario.weeks), f"simulated {counts['predictions']:,} of {rows:,} predictions")
    return counts, touched


def _weeks(scenario: Scenario, rows: int, seed: int) -> Iterator[tuple[int, dict[str, pl.DataFrame]]]:
    sellers = make_sellers(seed, len(scenario.weeks))
    record = SellerRecord(scenario.weeks, len(sellers.demand))
    for number, n in enumerate(rows_per_week(scenario, rows)):
        # A stream for each week and part: changing how one is drawn leaves every other as it was.
        orders_rng, delivery_rng, voices_rng, serving_rng, scores_rng = (
            np.random.default_rng([seed, 1 + number, part]) for part in range(5)
        )
        known_orders, known_share = record.at_start_of(number)
        orders = draw_orders(scenario, sellers, number, int(n), orders_rng)
        deliveries = deliver(scenario, sellers, orders, delivery_rng)
        record.add(orders, deliveries)
        voices = speak(scenario, orders, deliveries, voices_rng)
        week = tables.Week(scenario, sellers, orders, deliveries, voices, known_orders, known_share)
        yield (
            number,
            {
                "predictions": tables.predictions(week, serving_rng),
                "outcomes": tables.outcomes(week),
                "feedback": tables.feedback(week),
                "scores": tables.scores(week, scores_rng),
            },
        )


def _append(
    stack: ExitStack, writers: dict[str, tuple[str, pq.ParquetWriter]], folder: Path, name: str, frame: pl.DataFrame
) -> None:
    """Add a row group to the year's file, closing the file of the year before."""
    import polars as pl
    import pyarrow.parquet as pq

    # Plain strings: readers of older Arrow do not know string views.
    data = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = name.partition("-")[0]
    year, writer = writers.get(table, ("", None))
    if year != name or writer is None:
        if writer is not None:
            writer.close()
        writer = stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", data.schema, compression="zstd"))
        writers[table] = (name, writer)
    writer.write_table(data)


def _touched(event: Event, predictions: pl.DataFrame) -> int:
    """Predictions inside an event's time and cohort."""
    import polars as pl

    inside = event.active(predictions["predicted_at"].dt.replace_time_zone(None).to_numpy())
    if not inside.any():
        return 0
    cohort = [pl.col(column) == value for column, value in event.where.items()]
    return predictions.filter(pl.Series(inside), *cohort).height


def _truth(scenario: Scenario, seed: int, counts: dict[str, int], touched: list[int]) -> dict[str, Any]:
    events = [
        event.model_dump(mode="json") | {"rows": rows} for event, rows in zip(scenario.events, touched, strict=True)
    ]
    return {
        "scenario": scenario.name,
        "seed": seed,
        "start": scenario.start.isoformat(),
        "end": scenario.end.isoformat(),
        "rows": counts,
        "incumbent": scenario.incumbent,
        "challenger": scenario.challenger,
        "events": events,
    }
