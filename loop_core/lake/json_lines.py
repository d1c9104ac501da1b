"""JSON lines: each an object of its own; a line that is none is set aside with its text, and the others are read from a copy."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Set
from functools import partial
from itertools import islice
from pathlib import Path

from loop_core.lake.files import MAX_RECORD_BYTES, Rejected, Relation, open_binary, opened
from loop_core.paths import plain

#: An object none of whose keys occurs twice, with one value or another.
_RECORD = "coalesce(json_type(json) = 'OBJECT' and len(json_keys(json)) = len(list_distinct(json_keys(json))), false)"
_CHUNK = 50_000


def jsonl_relation(path: Path) -> Relation:
    """One JSON object a line; its columns are the keys that occur, every value as text."""
    objects = "read_ndjson_objects($path, ignore_errors = true, maximum_object_size = $longest)"
    parameters = {"path": str(plain(path)), "longest": MAX_RECORD_BYTES}
    with open_binary(path) as file:
        rewrite = partial(_write_lines, path) if file.read(3) == codecs.BOM_UTF8 else None
    rejected: tuple[Rejected, ...] = ()
    with opened(Relation(objects, parameters, rewrite=rewrite)) as reader:
        of_records = f"case when {_RECORD} then json_keys(json) end"
        keys = reader.run(f"select distinct unnest({of_records}) from {reader.relation.sql} order by 1").fetchall()
        others = reader.run(f"select count(*) from {reader.relation.sql} where not ({_RECORD})").fetchall()[0][0]
        if others:
            rejected = tuple(_rejected(path))
            rewrite = partial(_write_lines, path, without={line.line for line in rejected})
    sql = (
        "read_json($path, format = 'newline_delimited', columns = $columns, ignore_errors = true,"
        " maximum_object_size = $longest)"
    )
    columns = {row[0]: "VARCHAR" for row in keys}
    return Relation(sql, parameters | {"columns": columns}, rewrite=rewrite, rejected=rejected)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their number, counted from 1; a mark of byte order is no part of the first."""
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                yield number, text.rstrip(b"\r\n")


def _write_lines(path: Path, target: Path, without: Set[int] = frozenset()) -> None:
    """A copy, unpacked, of the lines but for some."""
    with target.open("wb") as file:
        file.writelines(line + b"\n" for number, line in _lines(path) if number not in without)


def _rejected(path: Path) -> Iterator[Rejected]:
    """The lines that are no records."""
    read = "select case when json_valid(text) then text::json end as json from (select unnest($texts) as text)"
    lines = _lines(path)
    with opened(Relation(f"({read})", {})) as reader:
        while chunk := list(islice(lines, _CHUNK)):
            texts = [line.decode("utf-8", "replace") for _, line in chunk]
            records = reader.run(f"select {_RECORD} from {reader.relation.sql}", {"texts": texts}).fetchall()
            for (number, _), text, (is_record,) in zip(chunk, texts, records, strict=True):
                if not is_record:
                    yield Rejected(number, text, "JSON")
