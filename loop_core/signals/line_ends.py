"""Line ends of delimited files: the parser knows one kind a file, so a file that mixes them is read from a copy with one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from loop_core.lake.files import open_binary

_CHUNK = 4_000_000


def has_mixed_ends(path: Path) -> bool:
    """Whether lines end in several ways (CRLF, LF, CR), or in a bare CR. Line ends within quotes are text."""
    try:
        return _may_mix(path) and _mixes(path)
    except (OSError, EOFError, zlib.error):
        return False  # a damaged .gz is told by who reads it


def write_with_one_end(path: Path, target: Path) -> None:
    """A copy, unpacked, whose lines end in LF; line ends within quotes stay as they are."""
    with target.open("wb") as file:
        for chunk, outside in _chunks(path):
            pieces = chunk.split(b'"')
            for i, piece in enumerate(pieces):
                if (i % 2 == 0) == outside:
                    pieces[i] = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            file.write(b'"'.join(pieces))


def _may_mix(path: Path) -> bool:
    """Whether, quotes aside, there are CRs and not all lines end in CRLF: quick to see, and false for nearly every file."""
    cr = lf = pairs = 0
    for chunk, _ in _chunks(path):
        cr, lf, pairs = cr + chunk.count(b"\r"), lf + chunk.count(b"\n"), pairs + chunk.count(b"\r\n")
    return cr > 0 and not cr == lf == pairs


def _mixes(path: Path) -> bool:
    crlf = lf = 0
    for chunk, outside in _chunks(path):
        marked = _outside(chunk, outside)
        pairs = marked.count(b"\r\n")
        if marked.count(b"\r") > pairs:
            return True
        crlf, lf = crlf + pairs, lf + marked.count(b"\n") - pairs
    return crlf > 0 and lf > 0


def _chunks(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Stretches of the file, none of which parts a CRLF, and whether each begins outside of quotes."""
    outside, held = True, b""
    with open_binary(path) as file:
        while chunk := file.read(_CHUNK):
            chunk, held = held + chunk, b""
            if chunk.endswith(b"\r"):
                chunk, held = chunk[:-1], b"\r"
            yield chunk, outside
            outside ^= chunk.count(b'"') % 2 == 1
    if held:
        yield held, outside


def _outside(chunk: bytes, outside: bool) -> bytes:
    """What of a stretch lies outside of quotes; a quoted part leaves its quotes, so that no two ends meet."""
    return b'"'.join(piece if (i % 2 == 0) == outside else b"" for i, piece in enumerate(chunk.split(b'"')))
