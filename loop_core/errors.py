"""What can go wrong, in two families: *your data or files are wrong* and *your call is wrong*.

Each message says what was given, what was wanted and what to do next; the app and the CLI show it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loop_core.passwords import without_passwords


class LoopbenchError(Exception):
    """Base of every error raised on purpose. `str(error)` is meant for people.

    Args:
        given: what was found, in the words of whoever gave it.
        wanted: what would have been accepted; empty where `given` says it all.
        todo: the next step; empty only where there is none.
    """

    def __init__(self, given: str, wanted: str = "", todo: str = "") -> None:
        given, wanted, todo = map(without_passwords, (given, wanted, todo))
        self.given, self.wanted, self.todo = given, wanted, todo
        parts = [given.rstrip(".") + "."]
        if wanted:
            parts.append(f"Wanted: {wanted.rstrip('.')}.")
        if todo:
            parts.append(f"To do: {todo.rstrip('.')}.")
        super().__init__(" ".join(parts))


class SourceError(LoopbenchError):
    """A file or SQL source cannot be read, or is not what its contract says."""


class QueryError(LoopbenchError):
    """A query is not one SELECT over the views it may read, cannot be evaluated, or reached its limits."""


class CharterError(LoopbenchError):
    """A charter does not parse or validate; the message names the line."""


class UnknownNameError(LoopbenchError):
    """A name that is not registered; the message lists those that are."""

    def __init__(self, kind: str, name: object, known: object) -> None:
        options = ", ".join(sorted(map(str, known))) if known else "none yet"  # type: ignore[call-overload]
        super().__init__(f"There is no {kind} {name!r}", f"one of: {options}", "check the spelling")


class StorageError(LoopbenchError):
    """The workspace cannot be opened, read or written (missing, locked, full, newer, read-only)."""


class IntegrityError(LoopbenchError):
    """Stored things contradict each other: a broken hash chain, a changed model file, an orphan."""


class DamagedFileError(IntegrityError):
    """A file of the lake is gone or another than was written, and the call needs its rows.

    Args:
        given: what is wrong, and with whose rows.
        todo: the way back.
        path: the file.
        batches: whose rows are in it, for people; empty: not known.
    """

    def __init__(self, given: str, todo: str, path: str, batches: tuple[str, ...] = ()) -> None:
        super().__init__(given, todo=todo)
        self.path, self.batches = path, batches


class PermissionDeniedError(LoopbenchError):
    """This actor may not do this, or not alone."""


class NotReadyError(LoopbenchError):
    """The loop lacks what the call needs: no champion, no mature rows, too few labels."""


class RefusedError(LoopbenchError):
    """The call contradicts the state of the loop, or its arguments contradict each other."""


class FollowUpError(LoopbenchError):
    """What was asked for is done and committed; something that follows from it failed, and is made up for later."""


@contextmanager
def following(done: str, makes_up: str) -> Iterator[None]:
    """What is done after a commit: whatever fails in it is told together with what was committed.

    Args:
        done: what was committed, in a sentence.
        makes_up: what does the rest later.

    Raises:
        FollowUpError: something failed.
    """
    try:
        yield
    except StoppedError:
        raise
    except Exception as error:
        raise FollowUpError(
            f"{done.rstrip('.')}. That is committed and stays; what follows from it failed: {error}", todo=makes_up
        ) from error


class StoppedError(LoopbenchError):
    """The work was stopped on request before it had a result."""


def panicked(error: BaseException) -> bool:
    """Whether a library written in Rust gave up: its error is no Exception, and yet none that should end the program."""
    return type(error).__name__ == "PanicException"
