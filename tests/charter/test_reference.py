"""`loop charter reference` names every key that a charter may have, and says of each what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.testing import CliRunner

from loop_core.charter.model import Charter
from loop_core.charter.reference import charter_keys
from loop_core.cli import app
from tests.charter.full import FULL


def test_every_key_of_a_charter_is_in_the_reference_with_its_meaning() -> None:
    keys = charter_keys()
    named = {(table, key.key) for key in keys for table in key.table.split(", ")}
    everywhere = set(_keys(Charter.model_validate(FULL).model_dump(exclude_none=False), ""))
    assert everywhere <= named, everywhere - named
    assert {("[labels]", "never"), ("[gates]", "since"), ("[monitor]", "min_shift")} <= named
    assert [f"{key.table} {key.key}" for key in keys if not key.means] == []
    horizon = next(key for key in keys if key.key == "horizon_days")
    assert (horizon.takes, horizon.default) == ("number > 0, ≤ 3,660", "required")
    assert {"", "[labels]", "[gates]"} <= set(CliRunner().invoke(app, ["charter", "reference"]).stdout.splitlines())


def _keys(found: dict[str, Any], table: str) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        path = f"{table.strip('[]')}.{name}".lstrip(".")
        if isinstance(value, dict) and name not in _MAPS:
            yield from _keys(value, f"[{path}]")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], dict) and name != "of":
            yield from (key for item in value for key in _keys(item, f"[[{path}]]"))
        else:
            yield table, name


#: Keys whose value is a table of the reader's own names.
_MAPS = ("columns", "max_null_share", "weekday_rows", "owners", "cohort_weights")
