"""Where searches are stored: opened once a process, found again by what was noted of them, errors in the product's words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from loop_core.errors import StorageError
from loop_core.ledger.database import postgres_options, sqlite_file, sqlite_options

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage

_storages: dict[tuple[str, int | None], RDBStorage] = {}
_opening = threading.Lock()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Optuna's word for a database that is away or full, in the product's."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise StorageError(
            f"{what} ({error.__cause__ or error})",
            "the workspace's database, with space left",
            "see that it answers and has room, then try again; stored trials count",
        ) from error


def stored_study(url: str, loop: str, noted: Mapping[str, Any]) -> Study | None:
    """The newest search of a loop of which all this was noted, to be looked at; None: there is none."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with explained("The searches cannot be read"):
        storage = _storage(url)
        found = [
            study
            for study in optuna.get_all_study_summaries(storage)
            if study.study_name.rpartition("-")[0] == loop and noted.items() <= study.user_attrs.items()
        ]
        return optuna.load_study(study_name=found[-1].study_name, storage=storage) if found else None


def summaries(url: str, loop: str) -> list[tuple[dict[str, Any], int]]:
    """(what was noted, finished trials) of every search of a loop that notes what it is about."""
    import optuna

    with explained("The searches cannot be read"):
        found = optuna.get_all_study_summaries(_storage(url))
    mine = [study for study in found if study.study_name.rpartition("-")[0] == loop and "as_of" in study.user_attrs]
    return [(study.user_attrs, study.n_trials) for study in mine]


def opened_study(url: str, name: str, snapshot: int) -> Study:
    """The newest search of that name that is not over, else the one on that snapshot, else a new one."""
    import optuna

    storage = _storage(url)
    mine = [study for study in storage.get_all_studies() if study.study_name.partition(".")[0] == name]
    begun = [study for study in mine if "version" not in study.user_attrs]
    # The snapshot moves with any commit: by it alone, a search that was killed would not be found again.
    found = begun or [study for study in mine if study.user_attrs["snapshot"] == snapshot]
    # Where all are over and the data has moved on, the same request is a new search. What the old ones took stays.
    new = f"{name}.{snapshot}" if mine else name
    return optuna.create_study(
        storage=storage,
        study_name=found[-1].study_name if found else new,
        load_if_exists=True,
        direction="minimize",
    )


def _storage(url: str) -> RDBStorage:
    """The storage of an address, opened once a process: opening takes half a second of schema checks."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    with _opening:
        known = _storages.get((url, _inode(url)))
        if known is not None:
            return known
        file = sqlite_file(url)
        address, options = ("sqlite:///studies", sqlite_options(file)) if file else postgres_options(url)
        try:
            try:
                storage = RDBStorage(address, engine_kwargs=options)
            except SQLAlchemyError:
                # Who opens it first makes its tables; another process may have been at it at the same moment.
                time.sleep(1.0)
                storage = RDBStorage(address, engine_kwargs=options)
        except SQLAlchemyError as error:
            raise StorageError(
                f"The studies at {file or url} cannot be opened ({error})",
                "a database this user may write",
                "check the workspace",
            ) from error
        _storages[url, _inode(url)] = storage
        return storage


def _inode(url: str) -> int | None:
    """Of a SQLite file: a workspace that was deleted and made again at the same path is another one."""
    file = sqlite_file(url)
    return file.stat().st_ino if file and file.exists() else None
