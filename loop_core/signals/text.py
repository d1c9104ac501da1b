"""Text files before they are parsed: are they UTF-8, how long are their lines, what is their delimiter?"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loop_core.errors import SourceError
from loop_core.lake.files import MAX_RECORD_BYTES, open_binary

_CHUNK = 4_000_000
DELIMITERS = (",", ";", "\t", "|")
# A quoted field that is whole in one line; one that only begins there; the end of one that began before.
_WHOLE = re.compile(rb'(?:^|(?<=[,;\t|]))"(?:[^"]|"")*+"')
_OPENING = re.compile(rb'(?:^|[,;\t|])"')
_CLOSING = re.compile(rb'(?:[^"]|"")*+"')


@dataclass(frozen=True)
class TextFacts:
    """What one pass over a text file found."""

    bytes: int
    """Size, unpacked."""
    lines: int
    """Lines that are not the empty end of the file."""
    longest: int
    """Bytes of the longest line; counted up to the chunk in which it was found too long, then the scan stops."""
    longest_line: int
    """1-based number of that line."""


#: How a file begins that is no text in UTF-8 → what it is, and what to do.
_OTHERS = (
    (b"\x1f\x8b", "is compressed with gzip", "name it .gz as well, or unpack it"),
    (b"\x28\xb5\x2f\xfd", "is compressed with Zstandard", "unpack it: zstd -d"),
    (b"BZh", "is compressed with bzip2", "unpack it: bunzip2"),
    (b"\xfd7zXZ", "is compressed with xz", "unpack it: unxz"),
    (b"PK\x03\x04", "is a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"PAR1", "is a Parquet file", "give it the ending .parquet"),
    (b"SQLite format 3", "is an SQLite database", "give its address, sqlite:///FILE, and a query (--sql)"),
    (b"\xff\xfe\0\0", "is text in UTF-32", "save it as UTF-8, e.g. `iconv -f UTF-32 -t UTF-8`"),
    (b"\xff\xfe", "is text in UTF-16", "save it as UTF-8, e.g. `iconv -f UTF-16 -t UTF-8`"),
    (b"\xfe\xff", "is text in UTF-16", "save it as UTF-8, e.g. `iconv -f UTF-16 -t UTF-8`"),
    (b"\0\0\xfe\xff", "is text in UTF-32", "save it as UTF-8, e.g. `iconv -f UTF-32 -t UTF-8`"),
)


def refuse_other_kind(path: Path) -> None:
    """SourceError where a text file is something else, by how it begins; one that ends in `.gz` is unpacked for that."""
    with path.open("rb") as file:
        packed = file.read(2) == _OTHERS[0][0]
    if path.suffix == ".gz" and not packed and path.stat().st_size:
        raise SourceError(f"{path.name} is not compressed with gzip", todo="take .gz off its name")
    try:
        with open_binary(path) as file:
            start = file.read(4096)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return  # told by who reads it to its end
    for begin, what, todo in _OTHERS:
        if start.startswith(begin):
            raise SourceError(f"{path.name} {what}", todo=todo)
    if start[1:2] == b"\0" or start[:1] == b"\0":
        raise SourceError(
            f"{path.name} is text in UTF-16, or no text", todo="save it as UTF-8, e.g. `iconv -f UTF-16LE -t UTF-8`"
        )


def scan_text(path: Path) -> TextFacts:
    """Read a file once, in bounded memory.

    Raises:
        SourceError: not UTF-8 (with the line), or a damaged .gz.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, lines, open_length, longest, longest_line = 0, 0, 0, 0, 0
    try:
        with open_binary(path) as file:
            while chunk := file.read(_CHUNK):
                _decode(decoder, chunk, path, lines)
                size += len(chunk)
                length, at_line = _longest(chunk, open_length)
                if length > longest:
                    longest, longest_line = length, lines + at_line + 1
                lines += chunk.count(b"\n")
                open_length = len(chunk) - chunk.rfind(b"\n") - 1 + (open_length if b"\n" not in chunk else 0)
                if longest > MAX_RECORD_BYTES:
                    break
            else:
                _decode(decoder, b"", path, lines, final=True)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise SourceError(f"{path.name} is a damaged .gz", "a whole one", "fetch it again") from None
    return TextFacts(size, lines + (open_length > 0), longest, longest_line)


def header(path: Path) -> tuple[list[str], str]:
    """Column names and delimiter of a delimited file: of `, ; tab |` the one that cuts the header into most names.

    Raises:
        SourceError: no line of names.
    """
    import csv

    with open_binary(path) as file:
        line = file.readline(MAX_RECORD_BYTES).decode("utf-8-sig")
    # Without any LF, lines end in CR; beside one, a CR within the header is a stray one.
    line = line.rstrip("\r\n") if line.endswith("\n") else line.split("\r", 1)[0]
    if not line.strip():
        raise SourceError(f"The first line of {path.name} is empty", todo="begin the file with its column names")
    delimiter = max(DELIMITERS, key=line.count)
    if line.count('"') % 2:
        raise SourceError(
            f"A quote in the header line of {path.name} is not closed, or a column's name has a line end",
            todo="write the column names into one line, each with both of its quotes or none",
        )
    try:
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [""])]
    except csv.Error as error:
        raise SourceError(
            f"The header line of {path.name} cannot be read ({error})",
            "one line of column names that ends in a new line",
            f"tr -d '\\r' < {path.name} > fixed.csv takes stray carriage returns out",
        ) from None
    return names, delimiter


def refuse_names(name: str, columns: Sequence[str]) -> None:
    """SourceError where columns of a source have no name, a name with a NUL, or one name; the database tells no cases apart."""
    first: dict[str, str] = {}
    for place, column in enumerate(columns, 1):
        other = first.setdefault(column.lower(), column) if column else None
        if not column or "\0" in column:
            what = f"a name with a NUL character, {column!r}" if column else "no name"
            raise SourceError(f"Column {place} of {name} has {what}", todo="give every column a name of its own")
        if list(columns).index(column) != place - 1:
            raise SourceError(f"{name} has the column {column!r} twice", todo="give every column a name of its own")
        if other != column:
            raise SourceError(
                f"{name} has the columns {other!r} and {column!r}, which differ in their case only",
                todo="rename one, or leave it out",
            )


def unclosed_quote(path: Path) -> int | None:
    """The 1-based line where a quoted field of more than MAX_RECORD_BYTES opens; None: there is none.

    The parser would try each of its lines as a record of its own, for hours. Files whose quotes merely *count* as
    if one stayed open (a stray quote inside a word) are looked at a second time, quote by quote.
    """
    return _opening(path) if _counts_as_open(path) else None


def _counts_as_open(path: Path) -> bool:
    """Whether, counting every second quote as closing, some quoted stretch is too long."""
    import numpy as np

    seen, last, offset = 0, 0, 0
    with open_binary(path) as file:
        while chunk := file.read(_CHUNK):
            found = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord('"')) + offset
            inside = np.diff(found, prepend=last)[(np.arange(len(found)) + seen) % 2 == 1]
            seen, last, offset = seen + len(found), int(found[-1]) if len(found) else last, offset + len(chunk)
            if inside.max(initial=0) > MAX_RECORD_BYTES or (seen % 2 == 1 and offset - last > MAX_RECORD_BYTES):
                return True
    return False


def _opening(path: Path) -> int | None:
    """As `unclosed_quote`, by the rules of RFC 4180: a quote opens at the start of a field only, and two are one."""
    opened_at, length = None, 0
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            rest = line
            if opened_at is not None:
                length += len(line)
                closing = _CLOSING.match(line)
                if length > MAX_RECORD_BYTES:
                    return opened_at
                if closing is None:
                    continue
                opened_at, rest = None, line[closing.end() :]
            if b'"' in rest and _OPENING.search(_WHOLE.sub(b"", rest)):
                opened_at, length = number, 0
    return None


def _longest(chunk: bytes, before: int) -> tuple[int, int]:
    """Length of the longest line (with `before` bytes already open) and how many lines of the chunk precede it.

    Exact only above MAX_RECORD_BYTES: shorter lines are not looked for one by one.
    """
    first = chunk.find(b"\n")
    if first < 0:
        return before + len(chunk), 0
    if before + first > MAX_RECORD_BYTES:
        return before + first, 0
    last = chunk.rfind(b"\n")
    start = first + 1
    while last - start > MAX_RECORD_BYTES:
        end = chunk.rfind(b"\n", start, start + MAX_RECORD_BYTES + 1)
        if end < 0:
            return chunk.find(b"\n", start) - start, chunk.count(b"\n", 0, start)
        start = end + 1
    return len(chunk) - last - 1, chunk.count(b"\n")


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, path: Path, lines: int, final: bool = False) -> None:
    if chunk.isascii() and not decoder.getstate()[0]:
        return  # most files, and ten times quicker to see than to decode
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        line = lines + chunk.count(b"\n", 0, max(0, error.start)) + 1
        raise SourceError(
            f"{path.name} is not UTF-8 (about line {line:,})",
            "text in UTF-8",
            "save it as UTF-8, e.g. `iconv -f latin1 -t utf-8`",
        ) from None
