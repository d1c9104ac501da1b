"""What a source's columns look like, by the parser that ingest reads them with: what is seen here as a time, ingest takes as one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from loop_core.charter.profile import ColumnProfile
from loop_core.lake import quoted
from loop_core.lake.files import Reader, opened
from loop_core.signals.cells import WHOLE, Spelling, base, category, epoch, flag, is_nested, is_number, number, present
from loop_core.signals.source import Source
from loop_core.signals.written_times import DIGITS, FORMATS, format_parameter, written_time

#: Rows looked at, and cells.
SAMPLE_ROWS, _SAMPLE_CELLS = 200_000, 10_000_000
_LISTED = 50
#: This share of a column's values must be times, so that a few that are none, an infinity among them, are for the gates.
_TIMES = 0.99
_TIME_NAME = re.compile(r"(^|_)(time|date|day|timestamp|ts|at|on)($|_)|time|date", re.IGNORECASE)
#: Words for yes and no that the gates take where the charter names them.
_WORDS = (
    ("ja", "nein"), ("ja", "nee"), ("ja", "nej"), ("oui", "non"), ("sí", "no"), ("si", "no"), ("sim", "não"), ("sim", "nao"),
    ("s", "n"), ("j", "n"), ("o", "n"), ("tak", "nie"), ("da", "ne"), ("on", "off"), ("vrai", "faux"), ("wahr", "falsch"),
    ("verdadeiro", "falso"), ("vero", "falso"),
)  # fmt: skip


def profile_source(source: Source) -> tuple[ColumnProfile, ...]:
    """Profile the first SAMPLE_ROWS rows of a source (fewer where it has very many columns). SourceError: unreadable."""
    rows = min(SAMPLE_ROWS, max(1_000, _SAMPLE_CELLS // max(1, len(source.columns))))
    cells = ", ".join(f"{present(quoted(name), found)} as {quoted(name)}" for name, found in source.columns.items())
    with opened(source.relation) as reader:
        reader.run(f"create temp table sample as select {cells} from {reader.relation.sql} limit {rows}")
        kinds = {name: "VARCHAR" if is_nested(found) else found for name, found in source.columns.items()}
        return tuple(_Column(reader, name, found).profile() for name, found in kinds.items())


class _Column:
    """One column of the sample."""

    def __init__(self, reader: Reader, name: str, found: str) -> None:
        self._reader, self._name, self._found, self._raw = reader, name, found, quoted(name)
        self._text = category(self._raw, found)
        self._rows, self._here, self._distinct = self._one(
            "count(*)", f"count({self._raw})", f"count(distinct {self._text})"
        )

    def profile(self) -> ColumnProfile:
        """What it seems to be, the most particular reading first."""
        found = base(self._found)
        if found == "BOOLEAN":
            return self._of("flag")
        if self._found.startswith("TIMESTAMP") or found == "DATE":
            naive = self._found != "TIMESTAMP WITH TIME ZONE"
            return self._times(f"cast({self._raw} as timestamp)", naive, None)
        if not self._here or not (found == "VARCHAR" or is_number(self._found)):
            return self._of("text")
        return self._as_time() or self._as_number() or self._as_flag() or self._of("text", values=self._values())

    def _as_time(self) -> ColumnProfile | None:
        named = _TIME_NAME.search(self._name) is not None
        if is_number(self._found):
            instant = epoch(self._raw, self._found, None)
            return self._times(instant, False, None) if named and self._share(instant) else None
        spelled = self._share(number(self._raw, self._found, Spelling()))
        if spelled and not named:
            return None
        text = f"cast({self._raw} as varchar)"
        for format in (None, *(DIGITS if named else ()), *FORMATS):
            instant, local, zoned = written_time(text, format)
            counted = [epoch(self._raw, self._found, None)] if named and format is None else []
            told = ", ".join((f"case when {zoned} then {instant} end", f"timezone('UTC', {local})", *counted))
            bound = {format_parameter(format): format} if format else {}
            if self._share(f"coalesce({told})", bound):
                naive = self._one(
                    f"count(*) filter ({self._raw} is not null and {local} is not null and not coalesce({zoned}, false))",
                    bound=bound,
                )[0]
                return self._times(f"coalesce({told})", naive > 0, format, bound)
        return None

    def _as_number(self) -> ColumnProfile | None:
        if is_number(self._found):
            return self._numbers(Spelling(), whole=base(self._found) in WHOLE)
        zeros = self._one(f"count(*) filter (regexp_matches({self._raw}, '^[+-]?0[0-9]'))")[0]
        for spelling in () if zeros else (Spelling(), Spelling(",")):
            cell = number(self._raw, self._found, spelling)
            least = self._one(f"count({cell})", f"count(*) filter (regexp_full_match({self._raw}, '[+-]?[0-9]+'))")
            words = self._one(f"count(*) filter (lower({self._raw}) in ('true', 'false'))")[0]
            if least[0] == self._here and not words and (spelling.decimal is None or self._decimal_comma()):
                return self._numbers(spelling, whole=least[1] == self._here)
        return None

    def _decimal_comma(self) -> bool:
        """Whether commas are decimal marks, though some could part thousands: some could not."""
        return bool(
            self._one(
                f"count(*) filter (contains({self._raw}, ',') and {number(self._raw, self._found, Spelling())} is not null)"
            )[0]
        )

    def _as_flag(self) -> ColumnProfile | None:
        cell = flag(self._raw, self._found, Spelling())
        told = self._one(f"count({cell})", f"count(*) filter ({cell})")
        if told[0] == self._here and 0 < told[1] < self._here:
            return self._of("flag")
        values = self._values()
        words = {value.strip().lower() for value in values}
        known = next((pair for pair in _WORDS if set(pair) == words), None)
        return self._of("flag", words=known) if known else None

    def _times(
        self, instant: str, naive: bool, format: str | None, bound: dict[str, Any] | None = None
    ) -> ColumnProfile:
        days = self._one(f"quantile_disc(epoch({instant}) // 86400, 0.01) filter (isfinite({instant}))", bound=bound)[0]
        # What no calendar holds is left to the gates.
        early = (
            date(1970, 1, 1) + timedelta(days=int(days)) if days is not None and -600_000 < days < 2_000_000 else None
        )
        return self._of("timestamp", naive=naive, early=early, time_format=format)

    def _numbers(self, spelling: Spelling, whole: bool) -> ColumnProfile:
        cell = number(self._raw, self._found, spelling)
        low, high = self._one(f"min({cell}) filter (isfinite({cell}))", f"max({cell}) filter (isfinite({cell}))")
        distinct = self._one(f"count(distinct {cell})")[0]
        return self._of(
            "integer" if whole else "real", low=low, high=high, comma=spelling.decimal == ",", distinct=distinct
        )

    def _values(self) -> tuple[str, ...]:
        if self._distinct > _LISTED:
            return ()
        sql = f"select distinct {self._text} as v from sample where {self._text} is not null order by 1"
        return tuple(str(row[0]) for row in self._reader.run_alone(sql).fetchall())

    def _of(self, kind: Any, **more: Any) -> ColumnProfile:
        known: dict[str, Any] = {"distinct": self._distinct, "low": None, "high": None, "values": (), "naive": False}
        return ColumnProfile(
            name=self._name, kind=kind, rows=self._rows, nulls=self._rows - self._here, **{**known, **more}
        )

    def _share(self, cell: str, bound: dict[str, Any] | None = None) -> bool:
        """Whether nearly every value can be read so."""
        return bool(self._one(f"count({cell})", bound=bound)[0] >= max(1, _TIMES * self._here))

    def _one(self, *items: str, bound: dict[str, Any] | None = None) -> Sequence[Any]:
        row: Sequence[Any] = self._reader.run_alone(f"select {', '.join(items)} from sample", bound).fetchall()[0]
        return row
