"""Reports on disk: an HTML and a JSON file each, named by what was asked for."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from loop_core.clock import instant
from loop_core.errors import LoopbenchError, StorageError
from loop_core.frames import to_json
from loop_core.monitor.report.sample import Sample
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Request:
    """Everything a report depends on."""

    loop: str
    snapshot: int
    """Of the lake."""
    charter_hash: str
    as_of: datetime
    window_start: datetime
    window_end: datetime
    """Exclusive."""
    reference_start: datetime
    reference_end: datetime
    cohort: str | None
    cohort_value: str | None
    seed: int

    @property
    def id(self) -> str:
        """sha256 over all of it, shortened: the name of the files."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Report:
    """A stored report."""

    request: Request
    n_reference: int
    """Rows in the report."""
    n_current: int
    of_reference: int
    """Rows the span has; more than `n_reference`: a sample."""
    of_current: int
    notes: tuple[str, ...]
    """Columns and parts that were left out, and why."""
    path_html: Path
    path_json: Path

    @property
    def sampled(self) -> str:
        """What the report rests on, in a sentence."""
        sides = (
            (self.n_current, self.of_current, "the window"),
            (self.n_reference, self.of_reference, "the reference"),
        )
        text = " and ".join(f"{n:,} of {of:,} rows of {what}" for n, of, what in sides)
        whole = self.n_current == self.of_current and self.n_reference == self.of_reference
        return f"Made from {text}{'' if whole else ', sampled in proportion by day and label'}."


def store(loop: Loop, request: Request, reference: Sample, current: Sample, rendered: Any) -> Report:
    """Write both files beside their places and rename them; the JSON last, which makes the report known."""
    facts = {
        "request": to_json(request),
        "n_reference": reference.n,
        "n_current": current.n,
        "of_reference": reference.of,
        "of_current": current.of,
        "notes": list(rendered.notes),
    }
    folder = _folder(loop)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{request.id}.html", rendered.html)
        _write(folder / f"{request.id}.json", json.dumps({**facts, "evidently": rendered.json}, ensure_ascii=False))
    except OSError as error:
        raise StorageError(
            f"The report cannot be written to {folder} ({error.strerror})",
            "free space in a folder this user may write",
            "make room or change permissions, then retry",
        ) from None
    return _report(folder / f"{request.id}.json", facts)


def find(loop: Loop, request: Request) -> Report | None:
    """The report of exactly this request; None: it was not made yet."""
    return _read(_folder(loop) / f"{request.id}.json")


def reports(loop: Loop) -> list[Report]:
    """Every stored report of a loop, that of the newest knowledge first. Files that are no reports are passed over."""
    found = [report for file in _folder(loop).glob("*.json") if (report := _read(file)) is not None]
    return sorted(found, key=lambda report: (report.request.as_of, report.request.snapshot), reverse=True)


def latest_report(
    loop: Loop,
    as_of: datetime,
    *,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
) -> Report | None:
    """The stored report of a window and cohort that knows most without knowing more than `as_of`; None: there is none."""
    wanted = (window_start, window_end, cohort, cohort_value)
    for report in reports(loop):
        asked = report.request
        if asked.as_of <= as_of and wanted == (asked.window_start, asked.window_end, asked.cohort, asked.cohort_value):
            return report
    return None


def _folder(loop: Loop) -> Path:
    return loop.workspace.reports / loop.name / "evidently"


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _read(path: Path) -> Report | None:
    """None: the file is gone, damaged, or its page is."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        report = _report(path, facts)
    except (OSError, ValueError, KeyError, TypeError, LoopbenchError):
        return None
    return report if report.path_html.is_file() else None


def _report(path: Path, facts: dict[str, Any]) -> Report:
    asked = {field.name: facts["request"][field.name] for field in fields(Request)}
    times = {
        name: instant(value) for name, value in asked.items() if name == "as_of" or name.endswith(("_start", "_end"))
    }
    return Report(
        request=Request(**(asked | times)),
        **{name: facts[name] for name in ("n_reference", "n_current", "of_reference", "of_current")},
        notes=tuple(facts["notes"]),
        path_html=path.with_suffix(".html"),
        path_json=path,
    )
