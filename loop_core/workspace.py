"""One folder that holds the loops of a team: opens lake and ledger, hands out `Loop` handles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter, parse_charter
from loop_core.errors import CharterError, StorageError, UnknownNameError
from loop_core.frozen import can_write, is_full, stamp
from loop_core.lake import Lake, compile_charter, create_loop_tables, quoted
from loop_core.layout import (
    FORMAT,
    SETTINGS,
    hold_umask,
    read_settings,
    release_umask,
    restrict,
    write_settings,
)
from loop_core.ledger import Entry, Ledger, refuse_unseen
from loop_core.ledger.fold import champion, predecessors, tenures
from loop_core.opening import connect, make_databases, taken, without_password
from loop_core.postgres import SCHEME, parse_address

if TYPE_CHECKING:
    from loop_core.lake.activity import Activity


class Workspace:
    """An open workspace. Share one between threads; close it when done."""

    def __init__(self, path: Path, lake: Lake, ledger: Ledger) -> None:
        self.path, self.lake, self.ledger = path, lake, ledger
        self._umask: int | None = None
        self._stamp = stamp(*self._databases()) if self.frozen else None

    # -- opening ------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path | str, *, catalog: str | None = None, data: str | None = None) -> Workspace:
        """Make a workspace in a new or empty folder.

        Args:
            path: the folder.
            catalog: `postgresql://user@host/database` for a team; a password in it is kept in a file of mode 600. None:
                SQLite files in the folder.
            data: folder of the lake's Parquet files; None: in the workspace.

        Raises:
            RefusedError: the folder or the database already holds a workspace, or the address is none.
            StorageError: it cannot be written, or the catalogue not reached. Nothing is left of it then.
        """
        path = _as_text(path)
        if (path / SETTINGS).exists():
            raise taken(path)
        address = parse_address(catalog) if catalog is not None else None
        storage = {"catalog": str(address) if address else "lake/catalog.sqlite", "data": data or "lake/data"}
        held = hold_umask(path)
        try:
            make_databases(path, address, storage)
        except OSError as error:
            raise StorageError(
                f"No workspace can be made at {path} ({error.strerror})",
                "a folder this user may write",
                "choose another, or change its permissions",
            ) from None
        finally:
            release_umask(held)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path | str) -> Workspace:
        """Open a workspace.

        Raises:
            StorageError: there is none, it is newer than this program, or it cannot be read.
        """
        path = _as_text(path)
        found, storage = read_settings(path)
        held = hold_umask(path)
        try:
            if found < FORMAT:
                storage = without_password(path, storage)
                restrict(path)
            workspace = cls(path, *connect(path, storage))
        except BaseException:
            release_umask(held)
            raise
        workspace._umask = held
        if found < FORMAT:
            _bring_up(workspace, storage)
        return workspace

    def close(self) -> None:
        self.lake.close()
        self.ledger.close()
        if self._umask is not None:
            release_umask(self._umask)
            self._umask = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def identity(self) -> str:
        """Tells this workspace also from one that was at its place before, for whoever remembers results."""
        return f"{self.path}:{(self.path / SETTINGS).stat().st_mtime_ns}"

    @property
    def frozen(self) -> str | None:
        """Why nothing in it can be changed, as a sentence; None: it can."""
        return self.lake.location.frozen

    def is_stale(self) -> bool:
        """Whether to open it again: it can only be read and was written to since, or its disk is full, or no more so."""
        if not self.lake.location.embedded:
            return False
        if is_full(self.path) or self._stamp is None:
            return (self._stamp is None) == is_full(self.path)
        return can_write(*self._databases()) or stamp(*self._databases()) != self._stamp

    def _databases(self) -> tuple[Path, ...]:
        return self.path / "lake" / "catalog.sqlite", self.path / "ledger.sqlite"

    # -- places -------------------------------------------------------------------------------------------

    @property
    def models(self) -> Path:
        """Folder of model packages."""
        return self.path / "models"

    @property
    def reports(self) -> Path:
        """Folder of stored results (scorecards, reports)."""
        return self.path / "reports"

    @property
    def staging(self) -> Path:
        """Folder of files that are not committed yet; whatever is left there after a kill may be removed."""
        return self.path / "staging"

    @property
    def studies_url(self) -> str:
        """Address of Optuna's storage: the team's PostgreSQL, or a SQLite file of its own."""
        if self.ledger.url.startswith(SCHEME):
            return self.ledger.url
        return f"sqlite:///{self.path / 'studies.sqlite'}"

    # -- loops --------------------------------------------------------------------------------------------

    def loops(self) -> tuple[str, ...]:
        """Names of the loops, in alphabetical order."""
        return tuple(sorted({entry.loop for entry in self.ledger.entries(kind="charter.changed")}))

    def loop(self, name: str) -> Loop:
        """A loop with the charter in force: the newest one on record. UnknownNameError lists the loops."""
        versions = self.ledger.entries(loop=name, kind="charter.changed")
        if not versions:
            raise UnknownNameError("loop", name, self.loops())
        return Loop(self, compile_charter(versions[-1].payload["text"], f"loops/{name}.toml", on_record=True))

    def charter_file(self, name: str) -> Path:
        """The file people edit; it is in force once `set_charter` recorded it."""
        return self.path / "loops" / f"{name}.toml"

    def set_charter(self, text: str, *, actor: str, reason: str, as_of: datetime, seen: int | None = None) -> Loop:
        """Put a charter in force: a new loop, or the next version of an old one. The same content changes nothing.

        Raises:
            CharterError: it does not validate, or changes the type of a column that holds data.
            RefusedError: another one was put in force meanwhile, or since the one it replaces was seen (`seen`: length of
                the ledger then; None: nobody was shown anything).
        """
        charter = compile_charter(text)
        versions = self.ledger.entries(loop=charter.name, kind="charter.changed")
        if versions and versions[-1].payload["hash"] == charter.hash:
            return Loop(self, charter)
        refuse_unseen(f"the charter of {charter.name}", versions, seen)
        if versions:
            _refuse_type_changes(parse_charter(versions[-1].payload["text"], on_record=True), charter)
        create_loop_tables(self.lake, charter, actor=actor)
        with self.ledger.transaction() as tx:
            versions_now = tx.entries(loop=charter.name, kind="charter.changed")
            refuse_unseen(f"the charter of {charter.name}", versions_now, versions[-1].seq if versions else 0)
            self._write_charter(charter.name, text)
            tx.append(
                kind="charter.changed",
                loop=charter.name,
                subject=f"charter v{len(versions) + 1}",
                actor=actor,
                as_of=as_of,
                reason=reason,
                payload={"hash": charter.hash, "text": text, "version": len(versions) + 1},
            )
        return Loop(self, charter)

    def _write_charter(self, name: str, text: str) -> None:
        file = self.charter_file(name)
        draft = file.with_suffix(".toml.new")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)


@dataclass(frozen=True)
class Loop:
    """One loop of an open workspace, under the charter that was in force when the handle was made."""

    workspace: Workspace
    charter: Charter

    @property
    def name(self) -> str:
        return self.charter.name

    @property
    def identity(self) -> tuple[str, str]:
        """Which loop of which workspace: what a result of it may be remembered under."""
        return self.workspace.identity, self.name

    @property
    def lake(self) -> Lake:
        return self.workspace.lake

    @property
    def ledger(self) -> Ledger:
        return self.workspace.ledger

    def table(self, name: str) -> str:
        """The quoted SQL name of one of the loop's tables."""
        return f"lake.{quoted(self.name, name)}"

    def entries(self, kind: str, as_of: datetime | None = None) -> list[Entry]:
        """The loop's ledger entries of a kind (or a prefix ending in a dot), oldest first."""
        return self.ledger.entries(loop=self.name, kind=kind, until=as_of)

    def champion(self, as_of: datetime) -> str | None:
        """The model version that serves at an instant; None before the first release."""
        return champion(self.entries("release.", as_of))

    def tenures(self, as_of: datetime) -> list[tuple[str, datetime]]:
        """(version, serving since) up to an instant, oldest first."""
        return tenures(self.entries("release.", as_of))

    def predecessors(self, as_of: datetime) -> list[str]:
        """Earlier champions worth going back to at an instant, newest first: none that was rolled back from."""
        return predecessors(self.entries("release.", as_of))

    def present(self, wall: datetime) -> datetime:
        """The loop's present. A loop on the wall clock: `wall`. One that replays the past: its newest cycle, or
        the end of the newest day of its predictions (`span`) when none ran."""
        if self.charter.loop.clock == "wall":
            return wall
        cycles = self.entries("cycle.ran")
        if cycles:
            return max(entry.as_of for entry in cycles)
        span = self.span()
        return wall if span is None else min(span[1], wall)

    def span(self) -> tuple[datetime, datetime] | None:
        """UTC midnights between which the loop's predictions are, strays left out: `Activity.span`. None: there are none."""
        return self._activity().span(self.charter.monitor.window_days, self.pause_days)

    def busy_since(self, version: str | None = None) -> datetime | None:
        """UTC midnight from which on there are enough predictions for a reference: `Activity.start`. None: there are none.

        Args:
            version: only those that this model answered; None: all.
        """
        plan = self.charter.monitor
        return self._activity(version).start(plan.window_days, plan.reference_days)

    def _activity(self, version: str | None = None) -> Activity:
        from loop_core.lake.activity import activity_of

        where = {} if version is None else {"model_version": version}
        return activity_of(self.lake, self.name, "predictions", "predicted_at", where)

    @property
    def pause_days(self) -> int:
        """A pause of more days in a log asks whether what follows belongs to it."""
        return int(max(self.charter.monitor.reference_days, self.charter.labels.horizon_days))


def _as_text(path: Path | str) -> Path:
    """The absolute path. StorageError: it is not UTF-8, so no database can name it."""
    path = Path(path).absolute()
    if str(path) != str(path).encode("utf-8", "replace").decode():
        raise StorageError(f"The folder {str(path)!r} is not UTF-8", todo="rename it, or the folder around it")
    return path


def _bring_up(workspace: Workspace, storage: Mapping[str, Any]) -> None:
    """Give the loops of an older workspace the tables and columns that this program knows. Killed, it is done again."""
    for name in workspace.loops():
        create_loop_tables(workspace.lake, workspace.loop(name).charter, actor="loopbench")
    write_settings(workspace.path, storage)


def _refuse_type_changes(old: Charter, new: Charter) -> None:
    was, now = old.loop, new.loop
    if was.task is not now.task or was.classes != now.classes[: len(was.classes)]:
        raise CharterError(
            f"Labels and scores are stored as {was.task.value} {list(was.classes) or ''}, and the new charter says {now.task.value} {list(now.classes) or ''}",
            "the same task, and the same classes in the same order, new ones at the end",
            "restore them, or make another loop",
        )
    types = {column.name: column.type for column in old.columns}
    for column in new.columns:
        if types.get(column.name, column.type) != column.type:
            raise CharterError(
                f"{column.name} is stored as {types[column.name]}, and the new charter calls it {column.type}",
                "the same type",
                "keep the type, or declare the column under another name",
            )
