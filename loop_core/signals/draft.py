"""A data file → a first charter, by what ingest would make of its cells."""

from __future__ import annotations

from pathlib import Path

from loop_core.charter.draft import draft_text
from loop_core.signals.profile import profile_source
from loop_core.signals.source import read_source


def draft_charter(path: Path, *, name: str) -> str:
    """Draft `loops/<name>.toml` from one file of predictions; settings that ingest needs of it are filled in.

    Args:
        path: csv, tsv (each also .gz), parquet or jsonl; the first 200,000 rows are looked at.
        name: the loop's name.

    Returns:
        TOML text that `parse_charter` accepts. Lines marked EDIT are guesses for its owner to confirm.

    Raises:
        SourceError: the file cannot be read, or no column of it could be a feature.
        UnknownNameError: another format.
        CharterError: `name` is no name for a loop.
    """
    return draft_text(profile_source(read_source(str(path))), path.name, name=name)
