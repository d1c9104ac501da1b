"""A recipe: the folder that says how a data set (or the built-in simulator) becomes a loop with its signals.

`data/README.md` shows how to write one. `import_recipe` is the verb; running it again changes nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loop_core.charter import Charter
from loop_core.errors import SourceError, UnknownNameError
from loop_core.gates import ingest
from loop_core.gates.report import BatchReport
from loop_core.gates.scores import log_scores
from loop_core.gates.staging import staging_folder
from loop_core.lake import QueryLimits, compile_charter_file
from loop_core.lake.mapping import MAPPING_LIMITS, open_raw_files
from loop_core.resources import resource_folder
from loop_core.signals import read_source
from loop_core.signals.simulate import SimulationReport, load_scenario
from loop_core.signals.simulate import simulate as run_scenario
from loop_core.texts import read_text
from loop_core.toml import read_toml
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace

Progress = Callable[[float, str], None]
#: The key in `[files]` of scores that other versions than the serving one said.
SCORES = "scores"


@dataclass(frozen=True)
class Recipe:
    """One folder with `charter.toml`, `recipe.toml` and, where raw files need it, SQL."""

    name: str
    title: str
    folder: Path
    files: Mapping[str, str]
    """Table name in the SQL → file name (or pattern) in the source folder."""
    charter: Charter
    scenario: Path | None
    """Scenario that makes the files when no source folder is given; None: the user must give one."""
    limits: QueryLimits = MAPPING_LIMITS
    """What its SQL may take: `[limits]` of recipe.toml."""

    def mapping(self, signal: Signal) -> Path | None:
        """The SQL that makes a signal; None: the file of the signal's name is it already."""
        path = self.folder / f"{signal.value}.sql"
        return path if path.exists() else None


@dataclass(frozen=True)
class Simulation:
    """How to make the files of a recipe that has a scenario."""

    rows: int | None = None
    """Predictions, about; None: the scenario's own number."""
    seed: int | None = None
    """The same seed gives the same files; None: the scenario's own."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    loop: str
    batches: tuple[BatchReport, ...]
    """One for each file or mapped signal: predictions, outcomes, then feedback."""
    scores: tuple[tuple[str, int], ...] = ()
    """(version, new or changed scores) of logged challengers."""


def recipes() -> tuple[str, ...]:
    """Names of the built-in recipes."""
    return tuple(sorted(path.parent.name for path in resource_folder("data").glob("*/recipe.toml")))


def load_recipe(recipe: str | Path) -> Recipe:
    """A built-in recipe by name, or any folder.

    Raises:
        UnknownNameError: neither; the message lists the built-in ones.
        SourceError, CharterError: `recipe.toml` or `charter.toml` is wrong.
    """
    # A name is looked up among the built-in ones first, so that a folder called `olist` in the current one,
    # the publisher's files perhaps, is not taken for a recipe.
    folder = resource_folder("data") / str(recipe) if str(recipe) in recipes() else Path(recipe)
    if not (folder / "recipe.toml").exists():
        raise UnknownNameError("recipe (nor folder with a recipe.toml)", str(recipe), recipes())
    try:
        raw = read_toml(_text(folder / "recipe.toml"))
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            f"{folder / 'recipe.toml'} is not TOML: {error}", "title and [files]", "see data/README.md"
        ) from None
    files = raw.get("files")
    if not isinstance(files, dict) or not files or not all(isinstance(name, str) for name in files.values()):
        raise SourceError(
            f"{folder / 'recipe.toml'} names no files", "[files] with table = file name", "see data/README.md"
        )
    for name in files.values():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise SourceError(f"{folder / 'recipe.toml'} names the file {name!r}, which is outside the source folder")
    scenario = folder / raw["scenario"] if "scenario" in raw else None
    return Recipe(
        folder.name,
        raw.get("title", folder.name),
        folder,
        files,
        compile_charter_file(folder / "charter.toml"),
        scenario,
        _limits(raw.get("limits", {}), folder / "recipe.toml"),
    )


def _text(path: Path) -> str:
    """A recipe's own file. SourceError where it cannot be read."""
    try:
        return read_text(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "a text file in UTF-8", "correct it") from None


def _limits(given: object, file: Path) -> QueryLimits:
    wanted = "seconds from 1 to 86,400 and memory_mb from 100 to 1,000,000"
    limits = {"seconds": MAPPING_LIMITS.seconds, "memory_mb": MAPPING_LIMITS.memory_mb}
    if not isinstance(given, dict) or not given.keys() <= limits.keys():
        raise SourceError(f"[limits] of {file} takes {wanted}, and nothing else")
    limits |= given
    for name, least, most in (("seconds", 1, 86_400), ("memory_mb", 100, 1_000_000)):
        number = limits[name]
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
            raise SourceError(f"[limits] of {file} has {name} = {number!r}; {wanted} are allowed")
    return QueryLimits(float(limits["seconds"]), int(limits["memory_mb"]))


def import_recipe(
    ws: Workspace,
    recipe: str | Path,
    source: Path | Simulation | None,
    *,
    actor: str,
    as_of: datetime,
    progress: Progress | None = None,
) -> ImportReport:
    """Make the recipe's loop if the workspace has none of that name, and bring its signals in through the gates.

    Args:
        ws: the workspace.
        recipe: a built-in name (`recipes()`), or a folder.
        source: folder with the publisher's files; for a recipe with a scenario, how to simulate them instead
            (None: at the scenario's own size). The same simulation again imports nothing twice.
        actor: who imports.
        as_of: UTC instant of arrival; rows that happened later are quarantined by the gates.
        progress: told of each step.

    Raises:
        UnknownNameError: no such recipe.
        SourceError: a file is missing (each is named) or not as the recipe describes.
    """
    found, say = load_recipe(recipe), progress or (lambda share, text: None)
    with _source_files(ws, found, source or Simulation(), say) as (files, scratch):
        loop = _loop(ws, found, actor, as_of)
        signals = _signal_files(found, files, scratch, say)
        batches = [
            _ingest(loop, signal, path, actor, as_of, _part(say, 0.35 + 0.6 * i / len(signals), 0.6 / len(signals)))
            for i, (signal, path) in enumerate(signals)
        ]
        scores = _log_scores(loop, files.get(SCORES, []), actor, as_of)
    say(1.0, f"{sum(batch.accepted for batch in batches):,} rows of {loop.name} are in the lake")
    return ImportReport(loop.name, tuple(batches), scores)


def check_source(recipe: str | Path, source: Path | None) -> None:
    """Raise what `import_recipe` would about the recipe and its files, without any workspace."""
    found = load_recipe(recipe)
    if source is not None:
        _present(found, source)
    elif found.scenario is None:
        raise _needs_folder(found)


def _needs_folder(recipe: Recipe) -> SourceError:
    return SourceError(
        f"The recipe {recipe.name} needs a folder",
        f"one with {', '.join(recipe.files.values())}",
        f"loop import {recipe.name} FOLDER",
    )


def simulate_recipe(
    recipe: str | Path,
    folder: Path,
    simulation: Simulation,
    *,
    progress: Progress | None = None,
) -> SimulationReport:
    """Write a recipe's simulated files and their truth to a folder, without any workspace.

    Raises:
        SourceError: the recipe has no scenario.
    """
    found = load_recipe(recipe)
    if found.scenario is None:
        raise SourceError(
            f"The recipe {found.name} has no scenario to simulate",
            "one that has, such as deliveries",
            "loop import reads its files",
        )
    return run_scenario(
        folder,
        rows=simulation.rows,
        seed=simulation.seed,
        scenario=load_scenario(found.scenario),
        progress=progress,
    )


@contextmanager
def _source_files(
    ws: Workspace, recipe: Recipe, source: Path | Simulation, say: Progress
) -> Iterator[tuple[dict[str, list[Path]], Path]]:
    """Table → its files, and a scratch folder that lasts as long as they are needed."""
    if isinstance(source, Path):
        # Looked at before anything is made, so that a wrong folder leaves the workspace as it was.
        files = _present(recipe, source)
        with staging_folder(ws.staging) as scratch:
            yield files, scratch
        return
    if recipe.scenario is None:
        raise _needs_folder(recipe)
    with staging_folder(ws.staging) as scratch:
        simulate_recipe(recipe.folder, scratch / "simulated", source, progress=_part(say, 0.0, 0.3))
        yield _present(recipe, scratch / "simulated"), scratch


def _present(recipe: Recipe, source: Path) -> dict[str, list[Path]]:
    """Table → the files of the source folder that make it up, in order of name."""
    if not source.is_dir():
        raise SourceError(
            f"There is no folder {source}", f"a folder with {', '.join(recipe.files.values())}", "check the path"
        )
    files = {table: sorted(source.glob(name)) for table, name in recipe.files.items()}
    missing = [recipe.files[table] for table, paths in files.items() if not paths]
    if missing:
        raise SourceError(
            f"{source} lacks {', '.join(missing)}",
            f"every file of the recipe {recipe.name}",
            f"see {recipe.folder / 'README.md'} for where they come from",
        )
    return files


def _signal_files(
    recipe: Recipe, files: Mapping[str, list[Path]], scratch: Path, say: Progress
) -> list[tuple[Signal, Path]]:
    """The files to ingest, in the order predictions, outcomes, feedback: an outcome needs its prediction."""
    mapped = _run_mappings(recipe, files, scratch, say)
    return [(signal, path) for signal in Signal for path in mapped.get(signal) or files.get(signal.value, [])]


def _run_mappings(
    recipe: Recipe, files: Mapping[str, list[Path]], scratch: Path, say: Progress
) -> dict[Signal, list[Path]]:
    """Run the recipe's SQL over its raw files, each signal into one Parquet file."""
    wanted = {signal: path for signal in Signal if (path := recipe.mapping(signal)) is not None}
    if not wanted:
        return {}
    made: dict[Signal, list[Path]] = {}
    with open_raw_files(files, scratch, recipe.limits) as raw:
        prepare = recipe.folder / "prepare.sql"
        if prepare.exists():
            say(0.02, f"reading {len(files)} raw files")
            raw.run(_text(prepare), str(prepare))
        for i, (signal, path) in enumerate(wanted.items()):
            say(0.1 + 0.08 * i, f"mapping {signal.value}")
            target = scratch / f"{recipe.name}-{signal.value}.parquet"
            n = raw.to_parquet(_text(path), target, str(path))
            made[signal] = [target] if n else []
    return made


def _loop(ws: Workspace, recipe: Recipe, actor: str, as_of: datetime) -> Loop:
    """The recipe's loop. One that is there keeps its charter: its owner may have changed it since."""
    if recipe.charter.name in ws.loops():
        return ws.loop(recipe.charter.name)
    text = _text(recipe.folder / "charter.toml")
    return ws.set_charter(text, actor=actor, reason=f"recipe {recipe.name}", as_of=as_of)


def _ingest(loop: Loop, signal: Signal, path: Path, actor: str, as_of: datetime, progress: Progress) -> BatchReport:
    progress(0.0, f"{signal.value} from {path.name}")
    return ingest(loop, signal, read_source(str(path)), actor=actor, as_of=as_of, progress=progress)


def _log_scores(loop: Loop, paths: list[Path], actor: str, as_of: datetime) -> tuple[tuple[str, int], ...]:
    import polars as pl

    logged: dict[str, int] = {}
    for path in paths:
        for (version,), frame in pl.read_parquet(path, glob=False).partition_by("model_version", as_dict=True).items():
            logged[str(version)] = (
                logged.get(str(version), 0)
                + log_scores(loop, str(version), frame, actor=actor, as_of=as_of, source=path.name).accepted
            )
    return tuple(sorted(logged.items()))


def _part(progress: Progress, start: float, span: float) -> Progress:
    """A progress that fills `span` of another one from `start` on."""
    return lambda share, text: progress(start + share * span, text)
