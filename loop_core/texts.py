"""Texts in files that a person named, or may have put something else in the place of."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: No charter, policy, recipe or list of anchors that anybody keeps is larger.
MAX_BYTES = 64_000_000


def read_text(path: Path, *, errors: str = "strict", most: int | None = MAX_BYTES) -> str:
    """The text of a file in UTF-8. A pipe is not waited for, and of a device nothing is read.

    Args:
        path: the file, or a link to one.
        errors: what becomes of bytes that are no UTF-8, as `bytes.decode` has it.
        most: bytes; a larger file is refused before it is read. None: any.

    Raises:
        OSError: it is not there, may not be read, is no file, is too large or no UTF-8; `strerror` says which.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # NUL, or what the system has no bytes for
        raise FileNotFoundError(errno.ENOENT, "no file has such a name", ascii(path)) from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "a pipe or device"
            raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
        if most is not None and facts.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read()
    finally:
        os.close(descriptor)
    try:
        return content.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, f"it is not UTF-8 (byte {error.start})", str(path)) from None
